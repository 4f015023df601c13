using Spos.Cli.Display;
using Spos.Engine.Files;

namespace Spos.Cli.Options;

/// <summary>A file with a word that only those know who may do something.</summary>
internal static class SecretFile
{
    private const int Least = 16, MostBytes = 4096;

    /// <summary>Its word, without what is around it.</summary>
    /// <param name="option">The option that names the file, with its dashes.</param>
    /// <param name="word">What it is called, such as "a token".</param>
    /// <exception cref="UsageException">It is too short, or has other characters than letters, digits, -, _ and the full stop.</exception>
    public static string Read(string option, string file, string word)
    {
        string secret;
        try
        {
            secret = SmallFile.ReadText(file, MostBytes).Trim();
        }
        catch (FormatException error)
        {
            throw new UsageException($"{option} {file}: {error.Message}");
        }
        if (secret.Length < Least || !secret.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            throw new UsageException($"{option} {file}: {word} has {Least} characters at least, of letters, digits, -, _ and . alone.");
        }
        if (OperatingSystem.IsLinux() && (File.GetUnixFileMode(file) & UnixFileMode.OtherRead) != 0)
        {
            Notice.Warn($"{option} {file}: its mode lets all users read it: chmod 600 {ShellText.Word(file)}");
        }
        return secret;
    }
}

using System.Text;
using System.Text.Json;
using Spos.Engine.Files;

namespace Spos.Cli.Options;

/// <summary>Files whose paths users give: one that is there is replaced only if it is of the kind that is to be written.</summary>
internal static class OutputFile
{
    private const int MostJson = 16 << 20;

    /// <summary>A file of this format.</summary>
    public static Func<string, bool> Is(FileFormat format) => path => FileContent.OfFile(path) == format;

    /// <summary>A text that begins so.</summary>
    public static Func<string, bool> BeginsWith(string start) => path =>
    {
        byte[] wanted = Encoding.UTF8.GetBytes(start);
        return RegularFile.ReadHead(FilePath.Of(path), wanted.Length).AsSpan().SequenceEqual(wanted);
    };

    /// <summary>A JSON object that has a field of this kind.</summary>
    public static Func<string, bool> IsJsonWith(string field, JsonValueKind kind) => path =>
    {
        try
        {
            using JsonDocument document = JsonFile.Parse(SmallFile.ReadText(path, MostJson));
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty(field, out JsonElement value) && value.ValueKind == kind;
        }
        catch (FormatException)
        {
            return false;
        }
    };

    /// <summary>Throws if a path cannot be written to without losing something else.</summary>
    /// <param name="isSame">Whether the file at the path is of the kind that is to be written.</param>
    /// <exception cref="UsageException">It holds something else; the message names the option.</exception>
    public static void Require(string option, string path, string kind, Func<string, bool> isSame)
    {
        if (RegularFile.IsOther(path))
        {
            throw new UsageException($"{option} {path} is there already, and is no regular file. Choose another name.");
        }
        if (!File.Exists(path) || new FileInfo(path).Length == 0) return;
        if (!isSame(path))
        {
            throw new UsageException($"{option} {path} is there already, and is not {kind}. Remove it, or choose another name.");
        }
    }
}

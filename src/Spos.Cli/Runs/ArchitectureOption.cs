using Spos.Cli.Options;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Cli.Runs;

/// <summary>The value of --architecture: a file, or the choices themselves.</summary>
internal static class ArchitectureOption
{
    /// <summary>Reads the choices that a text lists, or else the file that it names.</summary>
    /// <param name="option">The option that has the value, for messages.</param>
    /// <exception cref="UsageException">It is no architecture, or not one of that space.</exception>
    public static Architecture Read(string text, SearchSpace space, string option = "architecture")
    {
        bool list = InputAttribute.IsList(text);
        Architecture path;
        try
        {
            path = list ? Architecture.Parse(text) : ArchitectureFile.Read(text, space);
        }
        catch (FormatException error)
        {
            throw new UsageException($"--{option} {(list ? $"\"{Shown.Value(text)}\": " : "")}{error.Message}");
        }
        return space.FaultOf(path) is { } fault ? throw new UsageException($"--{option} {Shown.Value(text)}: it {fault}.") : path;
    }
}

using Spos.Engine.Files;
using Spos.Runs.Records;

namespace Spos.Cli.Options;

/// <summary>The path of something to read. Whether it is there is for its reader to say, who knows what to do if it is not.</summary>
internal sealed class InputAttribute(PathKind kind) : PathRule
{
    /// <summary>Whether the value may be an architecture, a list of numbers, instead.</summary>
    public bool OrArchitecture { get; init; }

    public override PathKind Kind => kind;

    public override string In(string folder, string text) => IsArchitecture(text) ? text : base.In(folder, text);

    public override string Read(string text, Type type)
    {
        if (IsArchitecture(text)) return text;
        CheckText(text);
        if (Directory.Exists(text))
        {
            if (kind == PathKind.File) throw new FormatException("this is a folder; a file is needed.");
        }
        else if (File.Exists(text))
        {
            if (kind == PathKind.Folder) throw new FormatException("this is a file; a folder is needed.");
            if (RegularFile.IsOther(text)) throw new FormatException("this is not a regular file.");
            // What the system makes up, which may have no end, has no length either.
            if (new FileInfo(text).Length == 0) throw new FormatException("this file is empty.");
        }
        return text;
    }

    private bool IsArchitecture(string text) => OrArchitecture && NamedArchitecture.IsList(text);
}

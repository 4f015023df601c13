namespace Spos.Cli.Options;

/// <summary>
/// The path of a picture, or of a folder of pictures, or - for standard input. Whether it is there is for its reader to say.
/// </summary>
internal sealed class PictureNameAttribute : PathRule
{
    /// <summary>What - becomes: standard input, as Linux names it.</summary>
    public const string StandardInput = "/dev/stdin";

    public override PathKind Kind => PathKind.Any;

    public override string Read(string text, Type type)
    {
        if (text == "-") return StandardInput;
        CheckText(text);
        // The parser would take it for an option.
        return text[0] == '-' ? $"./{text}" : text;
    }
}

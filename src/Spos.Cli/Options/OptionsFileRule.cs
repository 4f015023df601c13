namespace Spos.Cli.Options;

/// <summary>The path of a file that holds options of the verb. Those on the command line win.</summary>
internal abstract class OptionsFileRule : PathRule
{
    private readonly InputAttribute _path = new(PathKind.File);

    public override PathKind Kind => PathKind.File;

    public override string Read(string text, Type type) => _path.Read(text, type);

    /// <summary>The options that a file stands for; a value is null where the option takes none.</summary>
    /// <exception cref="UsageException">The file cannot be read, or says something that is not understood.</exception>
    public abstract IReadOnlyList<(string Option, string? Value)> OptionsOf(string path);
}

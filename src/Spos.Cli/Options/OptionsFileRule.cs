namespace Spos.Cli.Options;

/// <summary>What a file of options says.</summary>
/// <param name="Option">Without its dashes.</param>
/// <param name="Value">Null where the option takes none.</param>
/// <param name="Line">Where it says so; null if that is not known.</param>
internal readonly record struct Setting(string Option, string? Value, long? Line = null)
{
    /// <summary>The setting as an option that is given.</summary>
    /// <param name="file">The path of the file.</param>
    public Given Given(DeclaredOption option, string file) => new(option, Value, Line == null ? file : $"{file}, line {Line}");
}

/// <summary>The path of a file that holds options of verbs. Those on the command line win.</summary>
internal abstract class OptionsFileRule : PathRule
{
    private readonly InputAttribute _path = new(PathKind.File);

    public override PathKind Kind => PathKind.File;

    public override string Read(string text, Type type) => _path.Read(text, type);

    /// <summary>What a file says of a verb's options; each is there once.</summary>
    /// <param name="verbs">The verbs that there are.</param>
    /// <exception cref="UsageException">The file cannot be read, or says something that is not understood.</exception>
    public abstract IReadOnlyList<Setting> OptionsOf(string path, Type verb, IReadOnlyList<Type> verbs);
}

namespace Spos.Cli.Options;

/// <summary>
/// What values an option takes. Help shows it, the command line is checked by it before anything is opened or written, and the test of
/// hostile values goes by it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class ValueRule : Attribute
{
    /// <summary>The values, as help lists them, such as "1 to 1024"; empty where the option's description says it.</summary>
    public virtual string Possible => "";

    /// <summary>All values that there are, where they are few and known; shells offer them.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>The value as the parser is to read it.</summary>
    /// <param name="type">The option's type, without Nullable.</param>
    /// <exception cref="FormatException">The option does not take it; the message says what it takes, and follows
    /// "--option value: ".</exception>
    public abstract string Read(string text, Type type);

    /// <summary>The value as it is to be read where it stands in a file of this folder.</summary>
    public virtual string In(string folder, string text) => text;
}

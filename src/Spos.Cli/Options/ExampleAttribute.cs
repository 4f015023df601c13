namespace Spos.Cli.Options;

/// <summary>How a verb is called, for its help.</summary>
/// <param name="purpose">What the call does.</param>
/// <param name="options">What follows the verb.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ExampleAttribute(string purpose, string options = "") : Attribute
{
    public string Purpose { get; } = purpose;

    public string Options { get; } = options;
}

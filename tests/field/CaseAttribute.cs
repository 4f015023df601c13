namespace Spos.Field;

/// <summary>
/// Marks a public static method that takes a <see cref="Scene"/> and throws if what it tries does not come out right.
/// </summary>
/// <param name="title">What holds, in a few words.</param>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CaseAttribute(string title) : Attribute
{
    public string Title { get; } = title;
}

using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using CommandLine;
using Spos.Runs.Records;

namespace Spos.Cli.Options;

/// <summary>An option of a verb, or a word that follows it, as its property declares it.</summary>
/// <param name="Name">With its dashes, if it is an option.</param>
/// <param name="Type">The property's type, without Nullable.</param>
/// <param name="Rule">What values it takes; null for a flag, which takes none.</param>
/// <param name="Default">The value that it has if it is not given; null if there is none, or the help says it.</param>
internal sealed record DeclaredOption(string Name, Type Type, ValueRule? Rule, string Help, string? Default, PropertyInfo Property)
{
    private const string Dashes = "--";

    // A file of options asks for those of all verbs.
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<DeclaredOption>> Declared = new();

    public bool IsFlag => Rule == null;

    /// <summary>Without its dashes.</summary>
    public string PlainName => Name.TrimStart('-');

    /// <summary>What of a run depends on it; null where its declaration does not say so.</summary>
    public Influence? Influence { get; } = Property.GetCustomAttribute<InfluencesAttribute>()?.Influence;

    /// <summary>The value that it has if it is not given, as <see cref="TextOf"/> has it; null if there is none.</summary>
    public string? DefaultText { get; } = TextOf(Property.GetCustomAttribute<BaseAttribute>()?.Default);

    public bool IsOption => Name.StartsWith(Dashes, StringComparison.Ordinal);

    /// <summary>Whether it is all words that no option takes, and not one of them.</summary>
    public bool IsList => !IsOption && Type != typeof(string) && Type.IsAssignableTo(typeof(IEnumerable));

    /// <summary>The options and words of a verb.</summary>
    /// <exception cref="InvalidOperationException">An option does not say what values it takes.</exception>
    public static IReadOnlyList<DeclaredOption> Of(Type verb) => Declared.GetOrAdd(verb, static type =>
    [
        .. from declaring in type.GetInterfaces().Prepend(type)
           from property in declaring.GetProperties()
           let option = property.GetCustomAttribute<BaseAttribute>()
           where option != null
           select Of(type, property, option),
    ]);

    /// <summary>What a verb is asked for, as records of its run tell it.</summary>
    /// <param name="of">The types whose options count; empty for all of the verb's.</param>
    public static IReadOnlyList<RunOption> Record(object verb, params Type[] of)
    {
        HashSet<string> counted = [.. of.SelectMany(type => Of(type)).Select(option => option.Name)];
        return
        [
            .. from option in Of(verb.GetType())
               where option.IsOption && (of.Length == 0 || counted.Contains(option.Name))
               let influence = option.Influence ?? Runs.Records.Influence.None
               select new RunOption(option.PlainName, TextOf(option.Property.GetValue(verb)), option.DefaultText, influence),
        ];
    }

    /// <summary>The name of a verb's type.</summary>
    public static string NameOf(Type verb) => verb.GetCustomAttribute<VerbAttribute>()!.Name;

    /// <summary>A value of an option as the command line takes it; null of one that is not given.</summary>
    public static string? TextOf(object? value) => value switch
    {
        null => null,
        string text => text,
        Enum word => $"{word}".ToLowerInvariant(),
        IEnumerable values => string.Join(',', values.Cast<object>().Select(v => Convert.ToString(v, CultureInfo.InvariantCulture))),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    private static DeclaredOption Of(Type verb, PropertyInfo property, BaseAttribute option)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string name = option is OptionAttribute named ? Dashes + named.LongName : ((ValueAttribute)option).MetaName;
        ValueRule? rule = property.GetCustomAttribute<ValueRule>() ?? (type.IsEnum ? OneOfAttribute.Of(type) : null);
        if (rule == null && type != typeof(bool))
        {
            throw new InvalidOperationException($"{name} of {NameOf(verb)} does not say what values it takes.");
        }
        string? value = type == typeof(bool) || option.Default == null
            ? null
            : Convert.ToString(option.Default, CultureInfo.InvariantCulture);
        // Words and exponents are shown as people write them.
        if (type != typeof(string)) value = value?.ToLowerInvariant();
        return new DeclaredOption(name, type, rule, option.HelpText, value, property);
    }
}

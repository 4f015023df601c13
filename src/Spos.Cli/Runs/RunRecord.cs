using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using CommandLine;
using Spos.Engine.Devices;
using Spos.Engine.Files;

namespace Spos.Cli.Runs;

/// <summary>run.json: with which options, versions and device a run was started, last of all.</summary>
internal static class RunRecord
{
    /// <summary>The program's version.</summary>
    public static string Version { get; } = typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public static void Write(RunFolder folder, object verb, Device device)
    {
        var record = new
        {
            command = verb.GetType().GetCustomAttribute<VerbAttribute>()!.Name,
            options = OptionsOf(verb),
            version = Version,
            device = device.Kind,
            device_name = device.Name,
            instruction_set = device.InstructionSet,
            threads = device.Threads,
            runtime = RuntimeInformation.FrameworkDescription,
            system = RuntimeInformation.OSDescription,
            started = DateTimeOffset.Now.ToString("o", CultureInfo.InvariantCulture),
        };
        JsonFile.Write(Path.Combine(folder.Folder, "run.json"), record);
    }

    /// <summary>Every option of a verb, by name, with its value.</summary>
    public static SortedDictionary<string, string?> OptionsOf(object verb)
    {
        var options = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach ((PropertyInfo property, OptionAttribute option) in OptionsOf(verb.GetType())) options[option.LongName] = Text(property.GetValue(verb));
        return options;
    }

    private static IEnumerable<(PropertyInfo Property, OptionAttribute Option)> OptionsOf(Type verb) =>
        from type in verb.GetInterfaces().Prepend(verb)
        from property in type.GetProperties()
        let option = property.GetCustomAttribute<OptionAttribute>()
        where option != null
        select (property, option);

    private static string? Text(object? value) => value switch
    {
        null => null,
        string text => text,
        IEnumerable values => string.Join(',', values.Cast<object>().Select(v => Convert.ToString(v, CultureInfo.InvariantCulture))),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}

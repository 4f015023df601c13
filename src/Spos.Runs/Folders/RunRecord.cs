using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Runs.Records;

namespace Spos.Runs.Folders;

/// <summary>run.json: whose folder it is, and with which options, network, versions and device the run was started, last of all.</summary>
public static class RunRecord
{
    /// <summary>The program's version.</summary>
    public static string Version { get; } =
        typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>The file's name.</summary>
    public const string FileName = "run.json";

    // Names of classes take most of it: more than a hundred thousand fit.
    internal const int MostBytes = 64 << 20;

    /// <summary>What a run needs to know of another one.</summary>
    /// <param name="Options">The options by name, those that were not given null.</param>
    /// <param name="Network">The network that it trained or searched; null in records of earlier versions.</param>
    /// <param name="Source">The checksum of the file that was imported; null of other runs, and in records of earlier versions.</param>
    public sealed record Contents(
        [property: JsonPropertyName("command"), JsonRequired] string Command,
        [property: JsonPropertyName("options"), JsonRequired] Dictionary<string, string?> Options,
        [property: JsonPropertyName("network")] NetworkRecord? Network,
        [property: JsonPropertyName("source_sha256")] string? Source = null);

    /// <param name="options">All that the run was asked for.</param>
    /// <param name="network">The network that the run trains or searches.</param>
    /// <param name="classNames">The names of its classes, in the order of its outputs, where they are known.</param>
    /// <param name="source">The checksum of the file that was imported; null of other runs.</param>
    public static void Write(
        RunFolder folder, IEnumerable<RunOption> options, Device device, NetworkRecord network, IEnumerable<string>? classNames,
        string? source = null)
    {
        var record = new
        {
            command = folder.Kind.Command,
            options = OptionsOf(options),
            network,
            class_names = classNames,
            source_sha256 = source,
            version = Version,
            device = device.Id,
            device_name = device.Name,
            instruction_set = device.InstructionSet,
            threads = device.Threads,
            runtime = RuntimeInformation.FrameworkDescription,
            system = RuntimeInformation.OSDescription,
            started = DateTimeOffset.Now.ToString("o", CultureInfo.InvariantCulture),
        };
        JsonFile.Write(Path.Combine(folder.Folder, FileName), record);
    }

    /// <summary>The record of a folder's run; null if there is none that can be read.</summary>
    public static Contents? TryRead(string folder)
    {
        string file = Path.Combine(folder, FileName);
        try
        {
            return File.Exists(file) ? JsonFile.Read<Contents>(file, MostBytes) : null;
        }
        catch (Exception error) when (error is FormatException or UnreadableFileException)
        {
            return null;
        }
    }

    /// <summary>Options by name, with their values.</summary>
    public static SortedDictionary<string, string?> OptionsOf(IEnumerable<RunOption> options) =>
        new(options.ToDictionary(option => option.Name, option => option.Value), StringComparer.Ordinal);
}

using System.Security.Cryptography;
using System.Text;
using Spos.Engine.Compilation;
using Spos.Engine.Devices;
using Spos.Engine.Files;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// The autotuner's choices on disk, one JSON file for each device: by what they were measured on, so that another GPU, another
/// number of threads or changed kernels measure anew. A file that cannot be read counts as none.
/// </summary>
public sealed class PlanCache
{
    private const int MostBytes = 16 << 20;

    private readonly string _path;
    private readonly string _device;
    private readonly Lock _lock = new();

    /// <param name="device">What <see cref="Describe"/> says.</param>
    public PlanCache(string folder, string device)
    {
        _device = device;
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(device)))[..16];
        _path = Path.Combine(folder, $"{name}.json");
    }

    /// <summary>What was chosen, and the median times in microseconds that it was chosen by; null where cuDNN does not have it.</summary>
    public sealed record Choice(string Engine, double OwnMicroseconds, double? CudnnMicroseconds);

    // Files of earlier versions have no Lacks.
    private sealed record Contents(string Device, SortedDictionary<string, Choice> Choices, SortedDictionary<string, string>? Lacks = null);

    /// <summary>Where choices are kept: plans in the user's cache folder of the program.</summary>
    public static string FolderOfUser => Path.Combine(UserCache.Folder, "plans");

    /// <summary>All that times depend on.</summary>
    public static string Describe(Device device) =>
        $"{device.Kind}, {device.Name}, {device.Architecture}, {device.InstructionSet}, "
        + $"{device.Threads} threads, kernels {KernelSources.Fingerprint[..16]}";

    /// <summary>All choices, in the order of their names.</summary>
    public IReadOnlyDictionary<string, Choice> Choices
    {
        get
        {
            lock (_lock) return Read().Choices;
        }
    }

    /// <summary>Why cuDNN could not be had for a convolution, where it could not: the hand-written kernels stand in.</summary>
    public IReadOnlyDictionary<string, string> Lacks
    {
        get
        {
            lock (_lock) return Read().Lacks ?? new SortedDictionary<string, string>();
        }
    }

    internal Choice? Get(string name) => Choices.GetValueOrDefault(name);

    internal void Set(string name, Choice choice) => Change(contents => contents.Choices[name] = choice);

    internal void SetLack(string name, string reason) => Change(contents => contents.Lacks![name] = reason);

    private void Change(Action<Contents> change)
    {
        lock (_lock)
        {
            Contents contents = Read();
            contents = contents with { Lacks = contents.Lacks ?? new SortedDictionary<string, string>(StringComparer.Ordinal) };
            change(contents);
            try
            {
                JsonFile.Write(_path, contents);
            }
            catch (WriteException)
            {
                // Without it the next run measures again.
            }
        }
    }

    private Contents Read()
    {
        try
        {
            Contents found = JsonFile.Read<Contents>(_path, MostBytes);
            if (found.Choices != null && found.Device == _device) return found;
        }
        catch (Exception error) when (error is IOException or FormatException or UnreadableFileException)
        {
            // As if it were not there.
        }
        return new Contents(_device, new SortedDictionary<string, Choice>(StringComparer.Ordinal));
    }
}

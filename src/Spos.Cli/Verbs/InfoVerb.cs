using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Cli.Verbs;

/// <summary>Shows what the program found.</summary>
[Place(20)]
[Verb("info", HelpText = "Show versions, devices, paths, and where NVIDIA's libraries were found.")]
[Example("See whether the GPU works", "--device cuda")]
internal sealed class InfoVerb : DeviceOptions, IVerb
{
    public int Run()
    {
        Device? device = null;
        string? failure = null;
        try
        {
            device = OpenDevice();
        }
        catch (GpuUnavailableException error)
        {
            // What was found tells why; so it is shown all the same.
            failure = error.Message;
        }
        if (device != null) ShowDevice(device);
        ResultTable.Print("Devices", [.. Devices()]);
        ResultTable.Print("NVIDIA's libraries", [.. GpuLibraries.Describe()]);
        return failure == null ? ExitCode.Success : throw new GpuUnavailableException(failure);
    }

    // All that there are, and of each kind that has none the reason.
    private static IEnumerable<(string Name, string Value)> Devices()
    {
        foreach (DeviceKind kind in DeviceKind.All)
        {
            IReadOnlyList<DeviceInfo> devices = [];
            string? whyNot = kind == DeviceKind.Cuda ? ReadyDevice.WhyNoCuda ?? Device.WhyNoCuda() : null;
            try
            {
                devices = kind.List();
            }
            catch (Exception error) when (error is SposException or DllNotFoundException or FormatException)
            {
                whyNot ??= error.Message;
            }
            foreach (DeviceInfo device in devices) yield return (device.Id, device.ToString());
            if (whyNot != null) yield return (kind.Name, devices.Count == 0 ? whyNot : $"not used: {whyNot}");
        }
    }

    private static void ShowDevice(Device device)
    {
        ResultTable.Print(
            "Spos",
            ("version", RunRecord.Version),
            (".NET", Environment.Version.ToString()),
            ("device", $"{device.Id}: {device.Name}"),
            ("instruction set", device.Info.Capability),
            ("threads", $"{device.Threads}"),
            ("memory", $"{device.TotalMemory / (double)(1 << 30):0.0} GiB"),
            ("kernels", $"{KernelCatalogue.Entries.Count}"
                + $"{(device.KernelOrigin is { } origin ? $", for {device.KernelTarget} from {origin}" : "")}"),
            ("native libraries", Device.NativeFolder));
    }
}

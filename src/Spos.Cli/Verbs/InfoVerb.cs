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
[Place(14)]
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
        ResultTable.Print("NVIDIA's libraries", [.. GpuLibraries.Describe()]);
        return failure == null ? ExitCode.Success : throw new GpuUnavailableException(failure);
    }

    private static void ShowDevice(Device device)
    {
        ResultTable.Print(
            "Spos",
            ("version", RunRecord.Version),
            (".NET", Environment.Version.ToString()),
            ("device", $"{device.Kind}: {device.Name}"),
            ("cuda", ReadyDevice.WhyNoCuda ?? Device.WhyNoCuda() ?? Device.Cuda.Name),
            ("instruction set", device == Device.Host ? device.InstructionSet : device.Architecture),
            ("threads", $"{device.Threads}"),
            ("memory", $"{device.TotalMemory / (double)(1 << 30):0.0} GiB"),
            ("kernels", $"{KernelCatalogue.Entries.Count}{(device.KernelOrigin is { } origin ? $", for {device.KernelTarget} from {origin}" : "")}"),
            ("native libraries", Device.NativeFolder));
    }
}

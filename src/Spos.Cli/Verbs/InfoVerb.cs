using CommandLine;
using CommandLine.Text;
using Spos.Cli.Display;
using Spos.Cli.Runs;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Cli.Verbs;

/// <summary>Shows what the program found.</summary>
[Verb("info", HelpText = "Show versions, devices and paths.")]
internal sealed class InfoVerb : DeviceOptions, IVerb
{
    [Usage(ApplicationAlias = "spos")]
    public static IEnumerable<Example> Examples => [new("See whether the GPU works", new InfoVerb { DeviceName = "cuda" })];

    public int Run()
    {
        Device device = OpenDevice();
        ResultTable.Print(
            "Spos",
            ("version", RunRecord.Version),
            (".NET", Environment.Version.ToString()),
            ("device", $"{device.Kind}: {device.Name}"),
            ("cuda", Device.WhyNoCuda() ?? Device.Cuda.Name),
            ("instruction set", device == Device.Host ? device.InstructionSet : device.Architecture),
            ("threads", $"{device.Threads}"),
            ("memory", $"{device.TotalMemory / (double)(1 << 30):0.0} GiB"),
            ("kernels", $"{KernelCatalogue.Entries.Count}"),
            ("native libraries", Device.NativeFolder));
        return Program.Success;
    }
}

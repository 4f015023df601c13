using CommandLine;
using Spos.Engine.Devices;

namespace Spos.Cli.Verbs;

/// <summary>The options of every verb that computes.</summary>
internal abstract class DeviceOptions
{
    [Option("device", Default = "auto", HelpText = "Where to compute: auto or host (the CPU). The variable SPOS_DEVICE gives another default.")]
    public string DeviceName { get; set; } = "auto";

    [Option("threads", HelpText = "CPU threads that compute (default: all cores). Results do not depend on it.")]
    public int? Threads { get; set; }

    protected Device OpenDevice()
    {
        string name = DeviceName == "auto" ? Environment.GetEnvironmentVariable("SPOS_DEVICE") ?? DeviceName : DeviceName;
        try
        {
            Device device = Device.Open(name);
            if (Threads is { } threads) device.Threads = threads > 0 ? threads : throw new UsageException($"--threads {threads}: at least 1 is needed.");
            return device;
        }
        catch (ArgumentException error)
        {
            throw new UsageException(error.Message);
        }
    }
}

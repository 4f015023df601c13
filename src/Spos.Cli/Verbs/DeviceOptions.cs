using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ops.Convolutions;

namespace Spos.Cli.Verbs;

/// <summary>The options of every verb that computes.</summary>
internal abstract class DeviceOptions
{
    [Option("device", Default = "auto", HelpText = "Where to compute: cuda (an NVIDIA GPU), host (the CPU), simt (an emulated GPU: slow, for tests), or auto for the best one there is. The variable SPOS_DEVICE gives another default.")]
    [OneOf("auto", "cuda", "host", "simt")]
    public string DeviceName { get; set; } = "auto";

    [Option("threads", HelpText = "CPU threads that compute (default: all cores). Results do not depend on it.")]
    [InRange(1, 1024)]
    public int? Threads { get; set; }

    [Option("plan", Default = ConvolutionPlan.Fused, HelpText = "What computes convolutions: fused (hand-written kernels with batch norm and ReLU in them), unfused (one after the other: in inference the same bits, in training the same up to rounding), cudnn (NVIDIA's cuDNN; on the CPU oneDNN), or auto (for each shape the faster, measured once and remembered).")]
    public ConvolutionPlan Plan { get; set; } = ConvolutionPlan.Fused;

    protected static string Describe(Device device) =>
        device == Device.Host ? $"{device.Kind} ({device.Name}, {device.InstructionSet}, {device.Threads} threads)" : $"{device.Kind} ({device.Name}, {device.Architecture})";

    /// <summary>A session that computes as the options say.</summary>
    protected Session NewSession(Device device)
    {
        var session = new Session(device);
        ConvolutionPlanner.Of(session).Plan = Plan;
        return session;
    }

    protected Device OpenDevice()
    {
        string? variable = DeviceName == "auto" ? Environment.GetEnvironmentVariable("SPOS_DEVICE") : null;
        string name = variable ?? DeviceName;
        try
        {
            Device device = Device.Open(name);
            if (Threads is { } threads) SetThreads(device, threads);
            return device;
        }
        catch (ArgumentException error) when (variable != null)
        {
            throw new UsageException($"SPOS_DEVICE={variable}: {error.Message}");
        }
        catch (FormatException error)
        {
            throw new UsageException(error.Message);
        }
        catch (PlatformNotSupportedException error)
        {
            throw new PlatformNotSupportedException($"--device {name}: {error.Message.TrimEnd('.')}. Use --device host to compute on the CPU.", error);
        }
    }

    private static void SetThreads(Device device, int threads)
    {
        try
        {
            device.Threads = threads;
        }
        catch (DeviceException)
        {
            throw new UsageException($"--threads {threads}: the system does not let this program have so many.");
        }
    }
}

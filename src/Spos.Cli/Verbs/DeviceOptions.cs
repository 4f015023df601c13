using System.Globalization;
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
    private const int MostThreads = 1024;

    [Option("device", Default = "auto", HelpText = "Where to compute: cuda (an NVIDIA GPU), host (the CPU), simt (an emulated GPU: slow, for tests), or auto for the best one there is. The variable SPOS_DEVICE gives another default.")]
    [OneOf("auto", "cuda", "host", "simt")]
    public string DeviceName { get; set; } = "auto";

    [Option("threads", HelpText = "CPU threads that compute (default: all cores). Results do not depend on it.")]
    [InRange(1, MostThreads)]
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
        int? wanted = Threads ?? ThreadsOfVariable();
        try
        {
            Device device = Device.Open(name);
            if (wanted is { } threads) SetThreads(device, threads);
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

    // What SPOS_THREADS says, as the option is read: the engine takes what it can make sense of.
    private static int? ThreadsOfVariable()
    {
        if (Environment.GetEnvironmentVariable("SPOS_THREADS") is not { Length: > 0 } text) return null;
        try
        {
            return int.Parse(new InRangeAttribute(1, MostThreads).Read(text, typeof(int)), CultureInfo.InvariantCulture);
        }
        catch (FormatException error)
        {
            throw new UsageException($"SPOS_THREADS={Shown.Value(text)}: {error.Message}");
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

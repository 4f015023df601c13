using System.Globalization;
using System.Reflection;
using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Ops.Convolutions;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of every verb that computes.</summary>
internal abstract class DeviceOptions
{
    private const string Auto = DeviceNameAttribute.Auto, DeviceVariable = "SPOS_DEVICE";
    private const string ThreadsVariable = "SPOS_THREADS", CpuVariable = "SPOS_CPU";
    private const string SyncVariable = "SPOS_SYNC", NoGraphsVariable = "SPOS_NO_GRAPHS", NoBf16Variable = "SPOS_NO_BF16";

    [Option("device", Default = Auto, HelpText = "Where to compute: cuda (an NVIDIA GPU; cuda:1 is the second one), host or cpu (the CPU), "
        + "simt (an emulated GPU: slow, for tests), or auto for the best one there is. The variable SPOS_DEVICE gives another default.")]
    [DeviceName, Influences(Influence.None)]
    public string DeviceName { get; set; } = Auto;

    [Option("threads", HelpText = "CPU threads that compute (default: all cores). Results do not depend on it.")]
    [InRange(1, 1024), Influences(Influence.None)]
    public int? Threads { get; set; }

    [Option("plan", Default = ConvolutionPlan.Fused, HelpText =
        "What computes convolutions: fused (hand-written kernels with batch norm and ReLU in them), unfused (one after the other: "
        + "in inference the same bits, in training the same up to rounding), cudnn (NVIDIA's cuDNN; "
        + "on the CPU oneDNN), or auto (for each shape the faster, measured once and remembered).")]
    [Influences(Influence.Kept)]
    public ConvolutionPlan Plan { get; set; } = ConvolutionPlan.Fused;

    [Option("sync", HelpText =
        "Wait for each kernel before the next one is issued, so that one which fails is named, with its grid and arguments. Slow; "
        + "for looking for faults (default: off). The variable SPOS_SYNC=1 does the same.")]
    [Influences(Influence.None)]
    public bool Synchronous { get; set; }

    [Option("no-graphs", HelpText =
        "Issue every kernel on its own, also where a path that stays the same would be issued to a GPU as one CUDA graph. "
        + "The results are the same (default: off). The variable SPOS_NO_GRAPHS=1 does the same.")]
    [Influences(Influence.None)]
    public bool WithoutGraphs { get; set; }

    /// <summary>A session that computes as the options say.</summary>
    protected Session NewSession(Device device) => DeviceUse.NewSession(device, Plan);

    /// <param name="one">One of --devices; null for the one of --device.</param>
    /// <param name="dry">Whether a device that computes nothing will do.</param>
    protected virtual Device OpenDevice(DeviceName? one = null, bool dry = false)
    {
        if (one != null && DeviceName != Auto)
        {
            throw new UsageException($"--devices and --device {DeviceName} exclude each other: --devices alone says which compute.");
        }
        // Variables are read as options are: the engine takes what it can make sense of.
        string? variable = one == null && DeviceName == Auto ? Variable(DeviceVariable, RuleOf(nameof(DeviceName)), typeof(string)) : null;
        string? instructions = Variable(CpuVariable, new OneOfAttribute([.. Device.InstructionSets]), typeof(string));
        bool synchronous = Synchronous || IsOne(SyncVariable), withoutGraphs = WithoutGraphs || IsOne(NoGraphsVariable);
        // Kernels read this one themselves (native/toolchains/host.h).
        _ = IsOne(NoBf16Variable);
        string name = one?.ToString() ?? variable ?? DeviceName;
        string asked = one != null ? $"--devices {name}" : variable == null ? $"--device {name}" : $"{DeviceVariable}={name}";
        string? count = Threads == null ? Variable(ThreadsVariable, RuleOf(nameof(Threads)), typeof(int)) : null;
        int? wanted = count == null ? Threads : int.Parse(count, CultureInfo.InvariantCulture);
        try
        {
            Device device = ReadyDevice.Open(
                name, Notice.Warn, synchronous, dry,
                opened => Session.Require(this is IPrecisionOption { Precision: var precision } ? precision : Precision.Fp32, opened));
            device.WantsGraphs = !withoutGraphs;
            if (wanted is { } threads) SetThreads(device, threads);
            else if (this is ISharedOptions shared) shared.Processes.ShareCores(device);
            return device;
        }
        catch (DeviceException) when (instructions != null && !name.StartsWith("simt", StringComparison.Ordinal))
        {
            throw new UsageException(
                $"{CpuVariable}={instructions}: this CPU has no such instructions, or the kernels for them were not built. "
                + "Leave the variable out, and the best that there is are used.");
        }
        catch (FormatException error)
        {
            throw new UsageException(error.Message);
        }
        catch (NoSuchDeviceException error)
        {
            throw new UsageException($"{asked}: {error.Message}.");
        }
        catch (GpuUnavailableException error)
        {
            throw new GpuUnavailableException(
                $"{asked}: {error.Message.TrimEnd('.')}. Use --device host to compute on the CPU.", error.IsAbsent, error);
        }
    }

    /// <summary>Lets the CPU compute, where ONNX Runtime is bound.</summary>
    /// <param name="what">What is run there: the beginning of a sentence.</param>
    /// <exception cref="UsageException">Another device is asked for.</exception>
    protected void RequireOnnxRuntime(string what)
    {
        if (DeviceName == Auto) DeviceName = DeviceKind.Host.Name;
        if (Engine.Devices.DeviceName.Parse(DeviceName).Kind != DeviceKind.Host)
        {
            throw new UsageException($"{what} ONNX Runtime on the CPU, which --device {DeviceName} is not.");
        }
    }

    // What the option of a property takes, the variable takes.
    private static ValueRule RuleOf(string property) => typeof(DeviceOptions).GetProperty(property)!.GetCustomAttribute<ValueRule>()!;

    private static bool IsOne(string variable) => Variable(variable, new OneOfAttribute("0", "1"), typeof(string)) == "1";

    // The value of a variable in the form that its rule gives it; null if it is not set, or empty.
    private static string? Variable(string name, ValueRule rule, Type type)
    {
        if (Environment.GetEnvironmentVariable(name) is not { Length: > 0 } text) return null;
        try
        {
            return rule.Read(text, type);
        }
        catch (FormatException error)
        {
            throw new UsageException($"{name}={Shown.Value(text)}: {error.Message}");
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

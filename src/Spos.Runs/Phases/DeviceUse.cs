using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Ops.Convolutions;

namespace Spos.Runs.Phases;

/// <summary>How runs use a device.</summary>
public static class DeviceUse
{
    /// <summary>A session that computes as a plan says, in a precision.</summary>
    public static Session NewSession(Device device, ConvolutionPlan plan, Precision precision = Precision.Fp32)
    {
        var session = new Session(device) { Precision = precision };
        ConvolutionPlanner.Of(session).Plan = plan;
        return session;
    }

    /// <summary>Refuses a precision that a plan has no kernels for, before anything is opened.</summary>
    /// <exception cref="UsageException">There are none.</exception>
    public static void Require(Precision precision, ConvolutionPlan plan)
    {
        if (precision == Precision.Fp32 || plan == ConvolutionPlan.Fused) return;
        string word = $"{plan}".ToLowerInvariant();
        throw new UsageException($"--precision bf16 needs --plan fused: --plan {word} computes in fp32 only.");
    }

    /// <summary>Divides the device's threads among sessions that work at once, until what is returned is disposed of.</summary>
    internal static IDisposable Share(Device device, int sessions) => new ThreadShare(device, sessions);

    /// <summary>The device in words.</summary>
    public static string Describe(Device device) => device.InstructionSet.Length > 0
        ? $"{device.Id} ({device.Name}, {device.InstructionSet}, {device.Threads} threads)"
        : $"{device.Id} ({device.Name}, {device.Architecture})";

    private sealed class ThreadShare : IDisposable
    {
        private readonly Device _device;
        private readonly int _threads;

        public ThreadShare(Device device, int sessions)
        {
            (_device, _threads) = (device, device.Threads);
            device.Threads = Math.Max(1, _threads / sessions);
        }

        public void Dispose() => _device.Threads = _threads;
    }
}

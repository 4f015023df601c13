using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Ops.Convolutions;

namespace Spos.Runs.Phases;

/// <summary>How runs use a device.</summary>
public static class DeviceUse
{
    /// <summary>A session whose convolutions are computed as a plan says.</summary>
    public static Session NewSession(Device device, ConvolutionPlan plan)
    {
        var session = new Session(device);
        ConvolutionPlanner.Of(session).Plan = plan;
        return session;
    }

    /// <summary>The device in words.</summary>
    public static string Describe(Device device) => device.InstructionSet.Length > 0
        ? $"{device.Id} ({device.Name}, {device.InstructionSet}, {device.Threads} threads)"
        : $"{device.Id} ({device.Name}, {device.Architecture})";
}

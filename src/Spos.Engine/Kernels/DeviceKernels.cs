using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>The kernels of a device. It does not know them itself: kernels are above devices.</summary>
public static class DeviceKernels
{
    extension(Device device)
    {
        /// <summary>The device's kernels by name, and what watches their launches.</summary>
        public KernelSet Kernels => KernelSet.Of(device);
    }
}

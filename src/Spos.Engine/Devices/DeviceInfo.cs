using System.Globalization;

namespace Spos.Engine.Devices;

/// <summary>What a device is, as far as it tells before it is opened.</summary>
/// <param name="Id">What --device takes for it, such as "cuda:1"; "host" and "simt" where there is one alone.</param>
/// <param name="Kind">The name of its <see cref="DeviceKind"/>.</param>
/// <param name="Index">Which one of its kind, from 0.</param>
/// <param name="Name">The product, such as the CPU's.</param>
/// <param name="Memory">Bytes in all.</param>
/// <param name="Capability">What kernels may use: a GPU's compute capability, such as "sm_90", or the CPU's instruction set.</param>
public sealed record DeviceInfo(string Id, string Kind, int Index, string Name, long Memory, string Capability)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}, {Capability}, {Memory / (double)(1 << 30):0.0} GiB");
}

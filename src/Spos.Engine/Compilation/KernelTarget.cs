using System.Globalization;

namespace Spos.Engine.Compilation;

/// <summary>
/// What a kernel file is compiled to: machine code of one architecture (a cubin), or PTX, which the driver compiles for the GPU at hand
/// when it is loaded.
/// </summary>
/// <param name="Architecture">Such as 90 for compute capability 9.0.</param>
internal readonly record struct KernelTarget(int Architecture, bool IsPtx)
{
    private const string Cubin = "sm_", Ptx = "compute_";

    /// <summary>As compilers name it: sm_90, or compute_90 for PTX.</summary>
    public string Name => $"{(IsPtx ? Ptx : Cubin)}{Architecture}";

    public string FileEnding => IsPtx ? ".ptx" : ".cubin";

    /// <summary>Reads <see cref="Name"/>; null if it is none.</summary>
    public static KernelTarget? TryParse(string name)
    {
        bool isPtx = name.StartsWith(Ptx, StringComparison.Ordinal);
        if (!isPtx && !name.StartsWith(Cubin, StringComparison.Ordinal)) return null;
        string number = name[(isPtx ? Ptx : Cubin).Length..];
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int architecture)
            ? new KernelTarget(architecture, isPtx)
            : null;
    }

    /// <summary>Whether bytes begin and end as such a file does: what was cut off, or is something else, does not.</summary>
    public bool IsWhole(ReadOnlySpan<byte> image) => IsPtx
        ? image.StartsWith("//"u8) && image.EndsWith("\0"u8)
        : image.StartsWith("\u007FELF"u8);

    public override string ToString() => Name;
}

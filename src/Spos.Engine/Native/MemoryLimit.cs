using System.Globalization;
using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>The limit of the memory that one of our own libraries gives out (native/abi/spos_kernels.h).</summary>
internal sealed unsafe class MemoryLimit(nint library)
{
    /// <summary>The variable that sets it when a device is opened: bytes, or with K, M, G or T those times a power of 1,024.</summary>
    public const string Variable = "SPOS_MEMORY_LIMIT";

    private readonly delegate* unmanaged<nuint, CudaResult> _set =
        (delegate* unmanaged<nuint, CudaResult>)NativeLibrary.GetExport(library, "sposSetMemoryLimit");

    /// <summary>Sets it; null for all that the device has.</summary>
    public void Set(long? bytes) => _ = _set((nuint)(bytes ?? 0));

    /// <summary>What <see cref="Variable"/> asks for; null if it is not set.</summary>
    /// <exception cref="FormatException">It is set, but to no number of bytes.</exception>
    public static long? FromEnvironment() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? Parse(text) : null;

    internal static long Parse(string text)
    {
        int power = "KMGT".IndexOf(char.ToUpperInvariant(text[^1]), StringComparison.Ordinal) + 1;
        string digits = power > 0 ? text[..^1] : text;
        bool whole = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number);
        if (!whole || number < 1 || number > long.MaxValue >> (10 * power))
        {
            throw new FormatException($"{Variable} is '{text}': it takes a number of bytes, such as 800M or 2G.");
        }
        return number << (10 * power);
    }
}

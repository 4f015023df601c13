using System.Diagnostics.CodeAnalysis;
using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// What launchers check their arrays by, and the functions of declarations (native/toolchains/kernel_declaration.h).
/// </summary>
internal static class KernelExtent
{
    /// <exception cref="ArgumentException">An array is shorter than the kernel's sizes say.</exception>
    public static void Require(string kernel, string parameter, long length, long needed)
    {
        if (length < needed) Refuse(kernel, parameter, length, needed);
    }

    /// <summary>The same for a pointer that may be null.</summary>
    public static void Require(string kernel, string parameter, long? length, long needed)
    {
        if (length < needed) Refuse(kernel, parameter, length.Value, needed);
    }

    /// <exception cref="ArgumentException">An array lies on another device than the one that the kernel runs on.</exception>
    public static void RequireOn(Device device, string kernel, string parameter, Device of)
    {
        if (device != of) RefuseOther(device, kernel, parameter, of);
    }

    /// <summary>For a kernel that there is for several types of elements.</summary>
    /// <param name="first">The parameter that says which one it is.</param>
    /// <exception cref="ArgumentException">An array's values are of another type.</exception>
    public static void RequireType(string kernel, string first, ElementType type, string parameter, ElementType of)
    {
        if (type != of) RefuseType(kernel, first, type, parameter, of);
    }

    /// <summary>a / b, rounded up.</summary>
    public static long CeilDiv(long a, long b) => (a + b - 1) / b;

    /// <summary>
    /// How far an array reaches whose rows, of the last size's values each, lie <paramref name="rowStride"/> apart, and their values
    /// <paramref name="step"/>.
    /// </summary>
    public static long Strided(long rowStride, long step, params ReadOnlySpan<long> shape)
    {
        long rows = 1, columns = shape[^1];
        foreach (long size in shape[..^1]) rows *= size;
        return rows > 0 && columns > 0 ? ((rows - 1) * rowStride) + ((columns - 1) * step) + 1 : 0;
    }

    private static void RefuseOther(Device device, string kernel, string parameter, Device? of)
    {
        // A pointer that is null is of no device.
        if (of != null) throw new ArgumentException($"{kernel} runs on {device}, and its {parameter} lies on {of}: copy it there first.");
    }

    [DoesNotReturn]
    private static void RefuseType(string kernel, string first, ElementType type, string parameter, ElementType of) =>
        throw new ArgumentException($"{kernel} takes values of one type, and its {first} has {type}, its {parameter} {of}.");

    [DoesNotReturn]
    private static void Refuse(string kernel, string parameter, long length, long needed) =>
        throw new ArgumentException($"{kernel} takes {needed} values of {parameter}, and got {length}.");
}

namespace Spos.Engine.Kernels;

/// <summary>What a kernel takes for a parameter.</summary>
public enum KernelParameterKind
{
    Pointer,
    Int32,
    Int64,
    Single,
}

/// <summary>A parameter of a kernel.</summary>
/// <param name="Name">As the kernel has it.</param>
public readonly record struct KernelParameter(string Name, KernelParameterKind Kind)
{
    /// <summary>In bytes.</summary>
    public int Size => Kind is KernelParameterKind.Pointer or KernelParameterKind.Int64 ? sizeof(long) : sizeof(int);
}

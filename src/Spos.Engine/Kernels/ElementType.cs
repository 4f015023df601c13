namespace Spos.Engine.Kernels;

/// <summary>What values of a tensor, or of a kernel's array, are.</summary>
public enum ElementType
{
    /// <summary>Floats.</summary>
    Float32,

    /// <summary>Values of <see cref="Bf16"/>.</summary>
    BFloat16,
}

/// <summary>What depends on the type alone.</summary>
public static class ElementTypes
{
    extension(ElementType type)
    {
        /// <summary>Of a value, in bytes.</summary>
        public int Size => type == ElementType.BFloat16 ? sizeof(ushort) : sizeof(float);

        /// <summary>That of values of <typeparamref name="T"/>.</summary>
        internal static ElementType Of<T>()
            where T : unmanaged =>
            typeof(T) == typeof(float) ? ElementType.Float32
            : typeof(T) == typeof(Bf16) ? ElementType.BFloat16
            : throw new NotSupportedException($"There are no tensors of {typeof(T)}.");
    }
}

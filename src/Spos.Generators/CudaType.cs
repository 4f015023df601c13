namespace Spos.Generators;

/// <summary>Types of CUDA C++ as C# has them.</summary>
internal static class CudaType
{
    private static readonly Dictionary<string, (string CSharp, int Bytes)> Numbers = new()
    {
        ["float"] = ("float", 4),
        ["double"] = ("double", 8),
        ["Bf16"] = ("Bf16", 2),
        ["int"] = ("int", 4),
        ["int32_t"] = ("int", 4),
        ["uint32_t"] = ("uint", 4),
        ["int64_t"] = ("long", 8),
        ["uint64_t"] = ("ulong", 8),
        ["int16_t"] = ("short", 2),
        ["uint16_t"] = ("ushort", 2),
        ["uint8_t"] = ("byte", 1),
    };

    /// <summary>What stands for a macro's parameter that is a type: the engine's ElementType, and the bytes of a value.</summary>
    private static readonly Dictionary<string, (string CSharp, int Bytes)> Elements = new()
    {
        ["f32"] = ("ElementType.Float32", 4),
        ["bf16"] = ("ElementType.BFloat16", 2),
    };

    /// <summary>Those that a kernel takes by value, and their names in KernelParameterKind.</summary>
    private static readonly Dictionary<string, string> Scalars = new() { ["int"] = "Int32", ["int64_t"] = "Int64", ["float"] = "Single" };

    /// <summary>The types of elements, as a message lists them.</summary>
    public static string ElementNames => string.Join(" or ", Elements.Keys);

    /// <summary>Whether it is a type of elements that macros take.</summary>
    public static bool IsElement(string type) => Elements.ContainsKey(type);

    /// <summary>An element type as C# has it, and the bytes of a value.</summary>
    public static (string CSharp, int Bytes) ElementOf(string type) => Elements[type];

    /// <summary>Whether it is a number, and not a record of a kernel's own.</summary>
    public static bool IsNumber(string type) => Numbers.ContainsKey(type);

    /// <summary>Whether kernels take it by value.</summary>
    public static bool IsScalar(string type) => Scalars.ContainsKey(type);

    /// <summary>Records are bytes to C#.</summary>
    public static string CSharpOf(string type) => Numbers.TryGetValue(type, out (string CSharp, int Bytes) number) ? number.CSharp : "byte";

    public static int BytesOf(string type) => Numbers[type].Bytes;

    /// <summary>In the engine's KernelParameterKind.</summary>
    public static string KindOf(KernelParameter parameter) => parameter.IsPointer ? "Pointer" : Scalars[parameter.Type];
}

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>What a .cu file declares.</summary>
/// <param name="Module">The file's name without its ending.</param>
internal sealed record KernelFile(string Module, EquatableArray<KernelDeclaration> Kernels, EquatableArray<Fault> Faults);

/// <summary>One kernel, or all that a macro makes of one declaration.</summary>
/// <param name="Name">Without what a macro's arguments add to it.</param>
/// <param name="FamilyParameters">The macro's parameters; none where there is no macro.</param>
internal sealed record KernelDeclaration(
    string Name, EquatableArray<KernelParameter> Parameters, KernelWork? Work, EquatableArray<string> FamilyParameters,
    EquatableArray<KernelInstance> Instances)
{
    public bool IsFamily => FamilyParameters.Count > 0;

    /// <summary>The one of the macro's parameters that is the type of elements; null where none is.</summary>
    public string? TypeParameter => Parameters.FirstOrDefault(p => p.IsElement)?.Type;

    /// <summary>Those of the macro's parameters that are numbers.</summary>
    public IEnumerable<string> SizeParameters => FamilyParameters.Where(p => p != TypeParameter);

    /// <summary>pointwise_forward as PointwiseForward.</summary>
    public string MethodName => CSharpName.OfMethod(Name);
}

/// <summary>A kernel as libraries export it.</summary>
/// <param name="Arguments">Of the macro: numbers, and a type of elements.</param>
internal sealed record KernelInstance(string Name, EquatableArray<string> Arguments);

/// <summary>What a launch comes to.</summary>
/// <param name="Shape">The sizes that are shown.</param>
/// <param name="Flops">Multiplications and additions of floats; null for none.</param>
/// <param name="Products">Those in products of elements; null for none.</param>
/// <param name="Reads">Floats read besides those of the parameters; null for none.</param>
internal sealed record KernelWork(EquatableArray<Expression> Shape, Expression? Flops, Expression? Products, Expression? Reads);

/// <summary>How a kernel uses a pointer; None for a number.</summary>
internal enum Access
{
    None,
    In,
    Out,
    InOut,
}

/// <summary>A parameter of a kernel.</summary>
/// <param name="Type">As C++ has it: of a number, or of what a pointer points to.</param>
/// <param name="IsElement">Whether the type is a parameter of the macro.</param>
/// <param name="IsFlag">Whether it is an int that is 0 or 1.</param>
/// <param name="MayBeNull">Whether the pointer may be null.</param>
/// <param name="Extent">How many elements there must be; null where it depends on more than the arguments.</param>
/// <param name="Counted">How many of them are read, or written; null for those that are not counted.</param>
internal sealed record KernelParameter(
    string Name, string Type, bool IsElement, Access Access, bool IsFlag, bool MayBeNull, Expression? Extent, Expression? Counted)
{
    public bool IsPointer => Access != Access.None;

    /// <summary>rows_per_block as rowsPerBlock, in as @in.</summary>
    public string CSharpName => Generators.CSharpName.OfParameter(Name);
}

/// <summary>Something wrong with a declaration, and where.</summary>
internal sealed record Fault(string Message, string Path, TextSpan Span, LinePositionSpan Lines)
{
    private static readonly DiagnosticDescriptor Descriptor = new(
        "SPOS001", "A kernel's declaration is wrong", "{0}", "Kernels", DiagnosticSeverity.Error, isEnabledByDefault: true);

    public Diagnostic ToDiagnostic() => Diagnostic.Create(Descriptor, Location.Create(Path, Span, Lines), Message);
}

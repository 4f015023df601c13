using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>Reads SPOS_WORK, SPOS_KERNEL and SPOS_EXPORT from tokens.</summary>
/// <param name="tokens">The last one is the end.</param>
/// <param name="family">The parameters of the macro that they stand in.</param>
internal sealed class DeclarationReader(IReadOnlyList<CudaToken> tokens, string[] family)
{
    private static readonly string[] Keywords = ["SPOS_WORK", "SPOS_KERNEL", "SPOS_EXPORT"];

    private readonly SizeReader _sizes = new(tokens);

    /// <summary>Passes over all that is before the next declaration, and its keyword, which is returned; else the end.</summary>
    public CudaToken ReadKeyword()
    {
        while (_sizes.Next.Kind != TokenKind.EndOfFile && !Keywords.Any(_sizes.Next.Is)) _sizes.Take();
        // Those of SPOS_WORK are the kernel's.
        if (!_sizes.Next.Is("SPOS_KERNEL")) _sizes.ForgetNames();
        return _sizes.Take();
    }

    /// <summary>(name)</summary>
    public PastedName ReadExport()
    {
        _sizes.Expect("(");
        PastedName name = ReadName();
        _sizes.Expect(")");
        return name;
    }

    /// <summary>(shape(a, b), flops(n), products(n), reads(n))</summary>
    public KernelWork ReadWork()
    {
        KernelWork work = new(default, null, null, null);
        _sizes.ReadList(() =>
        {
            CudaToken part = _sizes.Take();
            work = part.Text switch
            {
                "shape" => work with { Shape = new(_sizes.ReadSizes()) },
                "flops" => work with { Flops = _sizes.ReadProduct() },
                "products" => work with { Products = _sizes.ReadProduct() },
                "reads" => work with { Reads = _sizes.ReadProduct() },
                _ => throw new DeclarationException(
                    part.Span, $"SPOS_WORK says shape(…), flops(…), products(…) and reads(…), not '{part.Text}'."),
            };
        });
        return work;
    }

    /// <summary>name(parameters)</summary>
    /// <param name="work">What was read before it.</param>
    public (KernelDeclaration Kernel, PastedName Name) ReadKernel(KernelWork? work)
    {
        PastedName name = ReadName();
        var parameters = new List<KernelParameter>();
        _sizes.ReadList(() => parameters.Add(ReadParameter()));
        string[] types = [.. parameters.Where(p => p.IsElement).Select(p => p.Type).Distinct()];
        _sizes.RefuseUnknown(
            [.. parameters.Where(p => p is { IsPointer: false, Type: not "float" }).Select(p => p.Name), .. family.Except(types)]);
        if (types.Length > 1)
        {
            throw new DeclarationException(name.Span, $"A macro has one type of elements, not {string.Join(" and ", types)}.");
        }
        if (types.Length == 0 && work?.Products != null)
        {
            throw new DeclarationException(
                name.Span, $"{name.Text} has no type of elements, so its products(…) are of floats: flops(…) counts those.");
        }
        if (types.Length == 1 && parameters.All(p => p.MayBeNull || !p.IsElement))
        {
            throw new DeclarationException(
                name.Span, $"All that {name.Text} takes of {types[0]} may be null: nothing then says which type it is.");
        }
        return (new KernelDeclaration(name.Common, new(parameters), work, new(family), default), name);
    }

    private PastedName ReadName()
    {
        CudaToken first = _sizes.Take(TokenKind.Name, "the name of a kernel");
        var pieces = new List<string> { first.Text };
        int end = first.Span.End;
        while (_sizes.Next.Is("##"))
        {
            _sizes.Take();
            CudaToken piece = _sizes.Take(TokenKind.Name, "a name");
            pieces.Add(piece.Text);
            end = piece.Span.End;
        }
        return new PastedName(new(pieces), TextSpan.FromBounds(first.Start, end));
    }

    private KernelParameter ReadParameter()
    {
        CudaToken first = _sizes.Next;
        Access access = first.Text switch
        {
            "SPOS_IN" => Access.In,
            "SPOS_OUT" => Access.Out,
            "SPOS_IN_OUT" => Access.InOut,
            _ => Access.None,
        };
        Extent extent = default;
        bool isFlag = first.Is("SPOS_FLAG");
        if (access != Access.None || isFlag) _sizes.Take();
        if (access != Access.None) extent = ReadExtent();
        bool isConst = _sizes.TakeIf("const");
        CudaToken type = _sizes.Take(TokenKind.Name, "a type");
        bool isPointer = _sizes.TakeIf("*");
        _ = _sizes.TakeIf("__restrict__");
        CudaToken name = _sizes.Take(TokenKind.Name, "a parameter's name");
        bool isElement = isPointer && family.Contains(type.Text);
        string? fault = (isPointer, access) switch
        {
            (true, Access.None) =>
                $"{name.Text} is a pointer: SPOS_IN(…), SPOS_OUT(…) or SPOS_IN_OUT(…) says what of it is read or written.",
            (false, not Access.None) => $"{name.Text} is no pointer.",
            (true, Access.In) when !isConst => $"{name.Text} is only read, so it is const.",
            (true, not Access.In) when isConst => $"{name.Text} is const, so it is not written.",
            (true, _) when extent.Elements != null && !isElement && !CudaType.IsNumber(type.Text) =>
                $"Elements of {type.Text} are not counted: the parentheses stay empty.",
            (false, _) when !CudaType.IsScalar(type.Text) => $"Kernels take int, int64_t and float by value, not {type.Text}.",
            _ when isFlag && (isPointer || type.Text != "int") => $"{name.Text} is no int, so it is no flag.",
            _ => null,
        };
        if (fault != null) throw new DeclarationException(TextSpan.FromBounds(first.Start, name.Span.End), fault);
        return new KernelParameter(name.Text, type.Text, isElement, access, isFlag, extent.MayBeNull, extent.Elements, extent.Counted);
    }

    private record struct Extent(Expression? Elements, Expression? Counted, bool MayBeNull);

    // (a, b, counted(c), or_null): an array [a][b].
    private Extent ReadExtent()
    {
        var shape = new List<Expression>();
        Expression? counted = null;
        bool mayBeNull = false, uncounted = false;
        _sizes.ReadList(() =>
        {
            if (_sizes.TakeIf("or_null")) mayBeNull = true;
            else if (_sizes.TakeIf("uncounted")) uncounted = true;
            else if (_sizes.TakeIf("counted")) counted = _sizes.ReadProduct();
            else shape.Add(_sizes.ReadSize());
        });
        if (shape.Count == 0) return new Extent(null, counted, mayBeNull);
        Expression elements = Expression.Product(shape);
        // Of what lies apart, what is between is not counted.
        bool lieApart = shape[0] is Expression.Call { Function: "strided" } && shape.Count == 1;
        Expression values = lieApart ? Expression.Product(((Expression.Call)shape[0]).Arguments.Skip(2)) : elements;
        return new Extent(elements, uncounted ? null : counted ?? values, mayBeNull);
    }
}

namespace Spos.Generators;

/// <summary>Reads sizes from tokens: sums and products of parameters, choices by a condition, and functions of sizes.</summary>
/// <param name="tokens">The last one is the end.</param>
internal sealed class SizeReader(IReadOnlyList<CudaToken> tokens)
{
    private static readonly string[] Comparisons = ["<", ">", "<=", ">=", "==", "!="];

    // Names that sizes need, until all parameters are known.
    private readonly List<CudaToken> _names = [];
    private int _position;

    public CudaToken Next => tokens[_position];

    public CudaToken Take() => Next.Kind == TokenKind.EndOfFile ? Next : tokens[_position++];

    public CudaToken Take(TokenKind kind, string what) => Next.Kind == kind ? Take() : throw Unexpected(what);

    public bool TakeIf(string text)
    {
        if (!Next.Is(text)) return false;
        Take();
        return true;
    }

    public void Expect(string text)
    {
        if (!TakeIf(text)) throw Unexpected($"'{text}'");
    }

    /// <summary>(a, b, …), each by <paramref name="read"/>; perhaps none.</summary>
    public void ReadList(Action read)
    {
        Expect("(");
        if (TakeIf(")")) return;
        do
        {
            read();
        }
        while (TakeIf(","));
        if (!TakeIf(")")) throw Unexpected("',' or ')'");
    }

    /// <summary>(a, b, …), at least one.</summary>
    public IReadOnlyList<Expression> ReadSizes()
    {
        var sizes = new List<Expression>();
        if (tokens[Math.Min(_position + 1, tokens.Count - 1)].Is(")"))
        {
            Take();
            throw Unexpected("a size");
        }
        ReadList(() => sizes.Add(ReadSize()));
        return sizes;
    }

    /// <summary>(a, b, …) as a·b·….</summary>
    public Expression ReadProduct() => Expression.Product(ReadSizes());

    /// <summary>From here on sizes are another kernel's.</summary>
    public void ForgetNames() => _names.Clear();

    /// <exception cref="DeclarationException">A size of the kernel needs something else.</exception>
    public void RefuseUnknown(IReadOnlyCollection<string> known)
    {
        CudaToken unknown = _names.Find(name => !known.Contains(name.Text));
        ForgetNames();
        if (unknown.Text != null)
        {
            string those = string.Join(", ", known);
            throw new DeclarationException(unknown.Span, $"'{unknown.Text}' is no size: those here are {those}, gridDim.x and gridDim.y.");
        }
    }

    public Expression ReadSize()
    {
        Expression left = ReadSum();
        if (Array.Find(Comparisons, TakeIf) is { } comparison)
        {
            left = new Expression.Operation(left, comparison, ReadSum());
            if (!Next.Is("?")) throw Unexpected("'?'");
        }
        if (!TakeIf("?")) return left;
        Expression then = ReadSize();
        Expect(":");
        return new Expression.Choice(left, then, ReadSize());
    }

    private Expression ReadSum() => ReadChain(ReadTerm, "+", "-");

    private Expression ReadTerm() => ReadChain(ReadFactor, "*", "/");

    private Expression ReadChain(Func<Expression> read, params string[] signs)
    {
        Expression value = read();
        while (Array.Find(signs, TakeIf) is { } sign) value = new Expression.Operation(value, sign, read());
        return value;
    }

    private Expression ReadFactor()
    {
        CudaToken token = Take();
        if (token.Kind == TokenKind.Number && WholeNumber.Of(token.Text) is { } number) return new Expression.Number(number);
        if (token.Is("("))
        {
            Expression inside = ReadSize();
            Expect(")");
            return inside;
        }
        if (token.Kind != TokenKind.Name) throw new DeclarationException(token.Span, $"A size is expected, and not {Quoted(token)}.");
        if (token.Is("gridDim"))
        {
            Expect(".");
            CudaToken axis = Take();
            if (!axis.Is("x") && !axis.Is("y")) throw new DeclarationException(axis.Span, "A grid has x and y.");
            return new Expression.Name($"gridDim.{axis.Text}");
        }
        if (!Next.Is("("))
        {
            _names.Add(token);
            return new Expression.Name(token.Text);
        }
        if (token.Is("product")) return ReadProduct();
        if (!Expression.Call.Functions.TryGetValue(token.Text, out (string CSharp, int Least, int Most) function))
        {
            string those = string.Join(", ", Expression.Call.Functions.Keys);
            throw new DeclarationException(token.Span, $"There is no function '{token.Text}': only product, {those}.");
        }
        IReadOnlyList<Expression> arguments = ReadSizes();
        return arguments.Count >= function.Least && arguments.Count <= function.Most
            ? new Expression.Call(token.Text, new(arguments))
            : throw new DeclarationException(token.Span, $"{token.Text} does not take {arguments.Count} sizes.");
    }

    private DeclarationException Unexpected(string expected) => new(Next.Span, $"{expected} is expected, and not {Quoted(Next)}.");

    private static string Quoted(CudaToken token) => token.Kind == TokenKind.EndOfFile ? "the end" : $"'{token.Text}'";
}

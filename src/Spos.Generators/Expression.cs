namespace Spos.Generators;

/// <summary>A size: what a declaration says in terms of the kernel's parameters.</summary>
internal abstract record Expression
{
    /// <summary>How strongly it binds: what binds less than what it stands in goes into parentheses.</summary>
    protected enum Strength
    {
        Choice,
        Comparison,
        Sum,
        Product,
        Whole,
    }

    protected abstract Strength Binds { get; }

    /// <summary>The names that it needs.</summary>
    public abstract IEnumerable<string> Names { get; }

    /// <summary>As C# of type long; comparisons are conditions.</summary>
    /// <param name="name">What stands for a name.</param>
    public string ToCSharp(Func<string, string> name) => Write(name, csharp: true);

    /// <summary>The product of some.</summary>
    public static Expression Product(IEnumerable<Expression> factors) => factors.Aggregate((a, b) => new Operation(a, "*", b));

    /// <summary>As the declaration has it.</summary>
    public sealed override string ToString() => Write(name => name, csharp: false);

    private protected abstract string Write(Func<string, string> name, bool csharp);

    private protected string Inside(Strength least, Func<string, string> name, bool csharp) =>
        Binds < least ? $"({Write(name, csharp)})" : Write(name, csharp);

    /// <summary>A number.</summary>
    public sealed record Number(long Value) : Expression
    {
        protected override Strength Binds => Strength.Whole;

        public override IEnumerable<string> Names => [];

        private protected override string Write(Func<string, string> name, bool csharp) => $"{Value}";
    }

    /// <summary>A parameter, or gridDim.x.</summary>
    public sealed record Name(string Text) : Expression
    {
        protected override Strength Binds => Strength.Whole;

        public override IEnumerable<string> Names => [Text];

        private protected override string Write(Func<string, string> name, bool csharp) => name(Text);
    }

    /// <summary>Two that are added, multiplied, compared.</summary>
    public sealed record Operation(Expression Left, string Operator, Expression Right) : Expression
    {
        public bool Compares => Binds == Strength.Comparison;

        protected override Strength Binds => Operator switch
        {
            "*" or "/" => Strength.Product,
            "+" or "-" => Strength.Sum,
            _ => Strength.Comparison,
        };

        public override IEnumerable<string> Names => Left.Names.Concat(Right.Names);

        private protected override string Write(Func<string, string> name, bool csharp) =>
            $"{Left.Inside(Binds, name, csharp)} {Operator} {Right.Inside(Binds + 1, name, csharp)}";
    }

    /// <summary>One or the other.</summary>
    public sealed record Choice(Expression Condition, Expression Then, Expression Else) : Expression
    {
        protected override Strength Binds => Strength.Choice;

        public override IEnumerable<string> Names => Condition.Names.Concat(Then.Names).Concat(Else.Names);

        private protected override string Write(Func<string, string> name, bool csharp)
        {
            bool compares = Condition is Operation { Compares: true } || !csharp;
            string condition = compares ? Condition.Write(name, csharp) : $"{Condition.Inside(Strength.Sum, name, csharp)} != 0";
            return $"{condition} ? {Then.Inside(Strength.Comparison, name, csharp)} : {Else.Inside(Strength.Choice, name, csharp)}";
        }
    }

    /// <summary>min, max, ceil_div or strided.</summary>
    public sealed record Call(string Function, EquatableArray<Expression> Arguments) : Expression
    {
        /// <summary>Functions by their names in a declaration, as the engine has them.</summary>
        public static readonly IReadOnlyDictionary<string, (string CSharp, int Least, int Most)> Functions =
            new Dictionary<string, (string, int, int)>
            {
                ["min"] = ("Math.Min", 2, 2),
                ["max"] = ("Math.Max", 2, 2),
                ["ceil_div"] = ("KernelExtent.CeilDiv", 2, 2),
                ["strided"] = ("KernelExtent.Strided", 3, int.MaxValue),
            };

        protected override Strength Binds => Strength.Whole;

        public override IEnumerable<string> Names => Arguments.SelectMany(a => a.Names);

        private protected override string Write(Func<string, string> name, bool csharp) =>
            $"{(csharp ? Functions[Function].CSharp : Function)}({string.Join(", ", Arguments.Select(a => a.Write(name, csharp)))})";
    }
}

using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>
/// Reads the declarations of a .cu file: SPOS_WORK, SPOS_KERNEL and SPOS_EXPORT, and macros that make several kernels of one declaration
/// (native/toolchains/kernel_declaration.h says what they mean). All else is passed over.
/// </summary>
internal sealed class KernelFileParser
{
    private readonly string _path;
    private readonly SourceText _text;
    private readonly List<Fault> _faults = [];
    private readonly Dictionary<string, Macro> _macros = [];

    private KernelFileParser(string path, SourceText text) => (_path, _text) = (path, text);

    /// <summary>A kernel, and where its name stands.</summary>
    private sealed record Declared(KernelDeclaration Kernel, PastedName Name, List<KernelInstance> Instances)
    {
        public bool IsExported { get; set; }
    }

    /// <summary>A macro whose body declares kernels.</summary>
    /// <param name="Type">The parameter that is the type of elements; null where none is.</param>
    /// <param name="IsWrong">Whether its declarations were refused, so that its uses are not looked at.</param>
    private sealed record Macro(string[] Parameters, string? Type, IReadOnlyList<Declared> Kernels, bool IsWrong)
    {
        public bool Takes(string[] arguments) =>
            arguments.Length == Parameters.Length
            && Parameters.Zip(arguments, (p, a) => p == Type ? CudaType.IsElement(a) : WholeNumber.Of(a) != null).All(fits => fits);

        public override string ToString()
        {
            string[] numbers = [.. Parameters.Where(p => p != Type)];
            string[] parts =
            [
                .. numbers.Length > 0 ? [$"whole numbers for {string.Join(", ", numbers)}"] : Array.Empty<string>(),
                .. Type != null ? [$"{CudaType.ElementNames} for {Type}"] : Array.Empty<string>(),
            ];
            return parts.Length > 0 ? string.Join(" and ", parts) : "nothing";
        }
    }

    /// <param name="path">Of the file; its name is the module's.</param>
    public static KernelFile Parse(string path, SourceText text)
    {
        var parser = new KernelFileParser(path, text);
        IEnumerable<KernelDeclaration> kernels = parser.Read(CudaLexer.Tokens(text.ToString()))
            .OrderBy(d => d.Name.Span.Start).Select(d => d.Kernel with { Instances = new(d.Instances) });
        return new KernelFile(Path.GetFileNameWithoutExtension(path), new(kernels), new(parser._faults));
    }

    private List<Declared> Read(IReadOnlyList<CudaToken> tokens)
    {
        var outside = new List<CudaToken>();
        for (int i = 0; i < tokens.Count; i++)
        {
            CudaToken token = tokens[i];
            if (token.Kind == TokenKind.Directive) i = ReadDirective(tokens, i);
            else if (token.Kind == TokenKind.Name && _macros.TryGetValue(token.Text, out Macro macro)) i = ReadUse(macro, tokens, i);
            else outside.Add(token);
        }
        List<Declared> kernels = ReadDeclarations(outside, []);
        foreach (Declared declared in kernels) declared.Instances.Add(new KernelInstance(declared.Name.Text, default));
        kernels.AddRange(_macros.Values.SelectMany(m => m.Kernels));
        foreach (IGrouping<string, Declared> same in kernels.GroupBy(d => d.Kernel.MethodName))
        {
            foreach (Declared again in same.Skip(1)) Refuse(again.Name.Span, $"{again.Kernel.Name} is declared twice.");
        }
        return kernels;
    }

    /// <summary>The kernels that tokens declare, without directives in them.</summary>
    /// <param name="family">The parameters of the macro that they stand in.</param>
    private List<Declared> ReadDeclarations(IReadOnlyList<CudaToken> tokens, string[] family)
    {
        var kernels = new List<Declared>();
        var reader = new DeclarationReader(tokens, family);
        (KernelWork Work, TextSpan Span)? work = null;
        while (reader.ReadKeyword() is { Kind: not TokenKind.EndOfFile } keyword)
        {
            try
            {
                if (work is var (_, loose) && !keyword.Is("SPOS_KERNEL")) Refuse(loose, "SPOS_WORK belongs before SPOS_KERNEL.");
                if (keyword.Is("SPOS_KERNEL"))
                {
                    (KernelDeclaration kernel, PastedName name) = reader.ReadKernel(work?.Work);
                    kernels.Add(new Declared(kernel, name, []));
                }
                else if (keyword.Is("SPOS_EXPORT"))
                {
                    PastedName name = reader.ReadExport();
                    if (kernels.FindLast(d => d.Name.Text == name.Text) is { } kernel) kernel.IsExported = true;
                    // One that was refused is not there.
                    else if (_faults.Count == 0) Refuse(name.Span, $"There is no SPOS_KERNEL {name.Text}.");
                }
                work = keyword.Is("SPOS_WORK") ? (reader.ReadWork(), keyword.Span) : null;
            }
            catch (DeclarationException fault)
            {
                Refuse(fault.Span, fault.Message);
                work = null;
            }
        }
        if (work is var (_, last)) Refuse(last, "SPOS_WORK belongs before SPOS_KERNEL.");
        foreach (PastedName name in kernels.Where(d => !d.IsExported).Select(d => d.Name))
        {
            Refuse(name.Span, $"{name.Text} lacks its SPOS_EXPORT.");
        }
        return kernels;
    }

    // Returns the last token of the directive that begins at `i`.
    private int ReadDirective(IReadOnlyList<CudaToken> tokens, int i)
    {
        int end = i;
        while (tokens[end].Kind != TokenKind.EndOfDirective) end++;
        // #define NAME(A, B), with the parenthesis right behind the name.
        if (end < i + 4 || !tokens[i + 1].Is("define")) return end;
        if (!tokens[i + 3].Is("(") || tokens[i + 3].Start != tokens[i + 2].Span.End) return end;
        int close = i + 4;
        while (close < end && !tokens[close].Is(")")) close++;
        CudaToken[] body = [.. tokens.Skip(close + 1).Take(end - close - 1), new CudaToken(TokenKind.EndOfFile, "", tokens[end].Start)];
        if (!body.Any(t => t.Is("SPOS_KERNEL"))) return end;
        string[] parameters = [.. tokens.Skip(i + 4).Take(close - i - 4).Where(t => t.Kind == TokenKind.Name).Select(t => t.Text)];
        int faults = _faults.Count;
        List<Declared> kernels = ReadDeclarations(body, parameters);
        string? type = kernels.Select(d => d.Kernel.TypeParameter).FirstOrDefault(t => t != null);
        foreach (Declared other in kernels.Where(d => d.Kernel.TypeParameter != type))
        {
            Refuse(other.Name.Span, $"{other.Name.Text} takes no pointer to {type}, which would say which of the macro's kernels it is.");
        }
        _macros[tokens[i + 2].Text] = new Macro(parameters, type, kernels, IsWrong: _faults.Count > faults);
        return end;
    }

    // Returns the last token of the use that begins at `i`: NAME(3, f32).
    private int ReadUse(Macro macro, IReadOnlyList<CudaToken> tokens, int i)
    {
        int end = i;
        while (end < tokens.Count - 1 && !tokens[end].Is(")")) end++;
        if (macro.IsWrong) return end;
        string[] arguments = ArgumentsOf([.. tokens.Skip(i + 2).Take(end - i - 2)]);
        if (!macro.Takes(arguments))
        {
            Refuse(tokens[i].Span, $"{tokens[i].Text} takes {macro}.");
            return end;
        }
        foreach (Declared declared in macro.Kernels)
        {
            declared.Instances.Add(new KernelInstance(declared.Name.With(macro.Parameters, arguments), new(arguments)));
        }
        return end;
    }

    // What stands between commas.
    private static string[] ArgumentsOf(CudaToken[] tokens) =>
        tokens.Length == 0 ? [] : [.. string.Join(" ", tokens.Select(t => t.Text)).Split(',').Select(argument => argument.Trim())];

    private void Refuse(TextSpan span, string message) =>
        _faults.Add(new Fault(message, _path, span, _text.Lines.GetLinePositionSpan(span)));
}

namespace Spos.Generators;

/// <summary>Divides CUDA C++ into tokens; comments and the ends of lines that go on are nothing.</summary>
internal static class CudaLexer
{
    private static readonly string[] LongSigns = ["##", "<=", ">=", "==", "!="];

    public static IReadOnlyList<CudaToken> Tokens(string text)
    {
        var tokens = new List<CudaToken>();
        bool inDirective = false, atLineStart = true;
        int i = 0;
        while (i < text.Length)
        {
            char c = text[i];
            if (c == '\\' && EndOfLine(text, i + 1) is int next)
            {
                i = next;
            }
            else if (c == '\n')
            {
                if (inDirective) tokens.Add(new CudaToken(TokenKind.EndOfDirective, "", i));
                (inDirective, atLineStart) = (false, true);
                i++;
            }
            else if (char.IsWhiteSpace(c))
            {
                i++;
            }
            else if (Starts(text, i, "//"))
            {
                int end = text.IndexOf('\n', i);
                i = end < 0 ? text.Length : end;
            }
            else if (Starts(text, i, "/*"))
            {
                int end = text.IndexOf("*/", i + 2, StringComparison.Ordinal);
                i = end < 0 ? text.Length : end + 2;
            }
            else
            {
                CudaToken token = c == '#' && atLineStart ? new CudaToken(TokenKind.Directive, "#", i) : TokenAt(text, i);
                inDirective |= token.Kind == TokenKind.Directive;
                atLineStart = false;
                tokens.Add(token);
                i += token.Text.Length;
            }
        }
        if (inDirective) tokens.Add(new CudaToken(TokenKind.EndOfDirective, "", text.Length));
        tokens.Add(new CudaToken(TokenKind.EndOfFile, "", text.Length));
        return tokens;
    }

    private static CudaToken TokenAt(string text, int start)
    {
        char c = text[start];
        if (char.IsLetter(c) || c == '_') return Run(TokenKind.Name, text, start, IsOfName);
        // Of 0x1F, 1.0f and 1'000 as well: only whole numbers mean something in declarations.
        if (char.IsDigit(c)) return Run(TokenKind.Number, text, start, d => IsOfName(d) || d is '.' or '\'');
        if (c is '"' or '\'') return new CudaToken(TokenKind.Text, text.Substring(start, EndOfText(text, start) - start), start);
        string sign = Array.Find(LongSigns, s => Starts(text, start, s)) ?? text.Substring(start, 1);
        return new CudaToken(TokenKind.Sign, sign, start);
    }

    private static CudaToken Run(TokenKind kind, string text, int start, Func<char, bool> belongs)
    {
        int end = start;
        while (end < text.Length && belongs(text[end])) end++;
        return new CudaToken(kind, text.Substring(start, end - start), start);
    }

    private static bool IsOfName(char c) => char.IsLetterOrDigit(c) || c == '_';

    private static bool Starts(string text, int at, string what) => string.CompareOrdinal(text, at, what, 0, what.Length) == 0;

    // Where the next line begins, if nothing more is on this one.
    private static int? EndOfLine(string text, int at)
    {
        if (at < text.Length && text[at] == '\r') at++;
        return at < text.Length && text[at] == '\n' ? at + 1 : null;
    }

    // Behind the quotation mark that ends it, or at the end of its line.
    private static int EndOfText(string text, int start)
    {
        int i = start + 1;
        while (i < text.Length && text[i] != text[start] && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
        return Math.Min(text.Length, i + 1);
    }
}

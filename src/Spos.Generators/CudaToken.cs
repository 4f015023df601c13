using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>What CUDA C++ is made of, as far as declarations need it.</summary>
internal enum TokenKind
{
    Name,
    Number,

    /// <summary>One of + - * / ( ) , and so on; ## and comparisons are one.</summary>
    Sign,

    /// <summary>A string or a character.</summary>
    Text,

    /// <summary>A directive's #, where a line begins.</summary>
    Directive,

    /// <summary>The end of a directive.</summary>
    EndOfDirective,

    EndOfFile,
}

/// <summary>One token and where it is.</summary>
internal readonly record struct CudaToken(TokenKind Kind, string Text, int Start)
{
    public TextSpan Span => new(Start, Text.Length);

    public bool Is(string text) => Kind is TokenKind.Sign or TokenKind.Name && Text == text;
}

using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>A declaration cannot be read.</summary>
internal sealed class DeclarationException(TextSpan span, string message) : Exception(message)
{
    public TextSpan Span => span;
}

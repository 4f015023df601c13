using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>The name of a kernel, which a macro may paste together: depthwise_forward_k##K##_s##S.</summary>
internal sealed record PastedName(EquatableArray<string> Pieces, TextSpan Span)
{
    /// <summary>As it is written.</summary>
    public string Text => string.Join("##", Pieces);

    /// <summary>What all kernels of the family have in common: depthwise_forward.</summary>
    public string Common => Pieces.Count == 1 ? Pieces[0] : Pieces[0].Substring(0, Math.Max(1, Pieces[0].LastIndexOf('_')));

    /// <summary>With a macro's arguments in the place of its parameters.</summary>
    public string With(string[] parameters, string[] arguments) => string.Concat(Pieces.Select(piece =>
    {
        int place = Array.IndexOf(parameters, piece);
        return place < 0 ? piece : arguments[place];
    }));
}

using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>The name of a kernel, which a macro may paste together: depthwise_forward_k##K##_s##S.</summary>
internal sealed record PastedName(EquatableArray<string> Pieces, TextSpan Span)
{
    /// <summary>As it is written.</summary>
    public string Text => string.Join("##", Pieces);

    /// <summary>What all kernels of the family have in common: depthwise_forward.</summary>
    public string Common => Pieces.Count == 1 ? Pieces[0] : Pieces[0].Substring(0, Math.Max(1, Pieces[0].LastIndexOf('_')));

    /// <summary>With the macro's arguments in it.</summary>
    public string With(IReadOnlyDictionary<string, string> arguments) =>
        string.Concat(Pieces.Select(piece => arguments.TryGetValue(piece, out string value) ? value : piece));
}

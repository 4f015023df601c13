using Microsoft.CodeAnalysis.CSharp;

namespace Spos.Generators;

/// <summary>Names of CUDA C++ as C# has them.</summary>
internal static class CSharpName
{
    /// <summary>pointwise_forward as PointwiseForward.</summary>
    public static string OfMethod(string name) => string.Concat(Words(name).Select(Capitalised));

    /// <summary>rows_per_block as rowsPerBlock, in as @in, K as k.</summary>
    public static string OfParameter(string name)
    {
        string[] words = Words(name);
        string joined = char.ToLowerInvariant(words[0][0]) + words[0].Substring(1) + string.Concat(words.Skip(1).Select(Capitalised));
        return SyntaxFacts.GetKeywordKind(joined) == SyntaxKind.None ? joined : "@" + joined;
    }

    private static string[] Words(string name) => name.Split(['_'], StringSplitOptions.RemoveEmptyEntries);

    private static string Capitalised(string word) => char.ToUpperInvariant(word[0]) + word.Substring(1);
}

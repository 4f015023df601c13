namespace Spos.Cli.Options;

/// <summary>Finds what somebody who mistyped a name may have meant.</summary>
internal static class Nearest
{
    /// <summary>" Did you mean …?", or nothing if no name is near.</summary>
    public static string Hint(string text, IEnumerable<string> names) => To(text, names) is { } name ? $" Did you mean {name}?" : "";

    /// <summary>The name that takes fewest changes; null if none is near.</summary>
    public static string? To(string text, IEnumerable<string> names)
    {
        const int most = 64;
        if (text.Length > most) return null;
        string typed = Bare(text);
        if (typed.Length == 0) return null;
        (string Name, int Changes)[] near =
        [
            .. names.Select(name => (Name: name, Changes: Changes(typed, Bare(name))))
                .Where(n => n.Changes <= 1 + typed.Length / 4)
                .OrderBy(n => n.Changes),
        ];
        if (near.Length > 0) return near[0].Name;
        string[] around = [.. names.Where(name => typed.Length > 2 && Bare(name).Contains(typed, StringComparison.Ordinal))];
        return around.Length == 1 ? around[0] : null;
    }

    private static string Bare(string name) => name.TrimStart('-').Replace('_', '-').ToLowerInvariant();

    // Letters to insert, remove, replace or exchange with their neighbours (the optimal string alignment distance).
    private static int Changes(string a, string b)
    {
        int[,] changes = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    changes[i, j] = i + j;
                    continue;
                }
                int replaced = changes[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                int least = Math.Min(Math.Min(changes[i - 1, j], changes[i, j - 1]) + 1, replaced);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) least = Math.Min(least, changes[i - 2, j - 2] + 1);
                changes[i, j] = least;
            }
        }
        return changes[a.Length, b.Length];
    }
}

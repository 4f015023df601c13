namespace Spos.Engine.Files;

/// <summary>What can be made again, but costs time.</summary>
internal static class UserCache
{
    /// <summary>$XDG_CACHE_HOME/spos, or ~/.cache/spos.</summary>
    public static string Folder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home
            ? home
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "spos");
}

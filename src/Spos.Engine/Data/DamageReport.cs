using System.Collections.Concurrent;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>Pictures that could not be decoded and were replaced: each is reported once.</summary>
public sealed class DamageReport(Action<string> report)
{
    private readonly ConcurrentDictionary<FilePath, bool> _seen = new();

    /// <summary>Different files found damaged so far.</summary>
    public int Files => _seen.Count;

    internal void Add(FilePath path, string message)
    {
        if (_seen.TryAdd(path, true)) report(message);
    }
}

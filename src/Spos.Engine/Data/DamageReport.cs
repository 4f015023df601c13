using System.Collections.Concurrent;

namespace Spos.Engine.Data;

/// <summary>Pictures that could not be decoded and were replaced: each is reported once.</summary>
public sealed class DamageReport(Action<string> report)
{
    private readonly ConcurrentDictionary<string, bool> _seen = new();

    /// <summary>Different files found damaged so far.</summary>
    public int Files => _seen.Count;

    internal void Add(string path, string message)
    {
        if (_seen.TryAdd(path, true)) report(message);
    }
}

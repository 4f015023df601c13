using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Spos.Engine.Pickles;

/// <summary>A Python tuple.</summary>
public sealed class PickleTuple(object?[] items) : IReadOnlyList<object?>
{
    public int Count => items.Length;

    public object? this[int index] => items[index];

    public IEnumerator<object?> GetEnumerator() => ((IEnumerable<object?>)items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();

    public override string ToString() => $"a tuple of {items.Length}";
}

/// <summary>A Python dict, or an OrderedDict, in the order of insertion. Keys are texts, numbers, None, and flat tuples of these.</summary>
public sealed class PickleDictionary : IEnumerable<KeyValuePair<object, object?>>
{
    /// <summary>Stands for None as a key.</summary>
    public static readonly object None = new();

    private readonly Dictionary<object, int> _index = new(KeyComparer.Instance);
    private readonly List<KeyValuePair<object, object?>> _entries = [];

    public int Count => _entries.Count;

    public bool TryGet(object key, out object? value)
    {
        bool found = _index.TryGetValue(key, out int at);
        value = found ? _entries[at].Value : null;
        return found;
    }

    public IEnumerator<KeyValuePair<object, object?>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"a dict of {Count}";

    internal void Set(object key, object? value)
    {
        if (_index.TryGetValue(key, out int at))
        {
            _entries[at] = new(_entries[at].Key, value);
            return;
        }
        _index[key] = _entries.Count;
        _entries.Add(new(key, value));
    }

    // Tuples of keys count by what they hold. They are flat, so comparing them takes no longer than they are.
    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? a, object? b) =>
            a is PickleTuple left && b is PickleTuple right ? left.SequenceEqual(right) : object.Equals(a, b);

        public int GetHashCode([DisallowNull] object key)
        {
            if (key is not PickleTuple tuple) return key.GetHashCode();
            var hash = default(HashCode);
            foreach (object? item in tuple) hash.Add(item);
            return hash.ToHashCode();
        }
    }
}

/// <summary>A Python set or frozenset, as far as it is read: its items in order.</summary>
public sealed class PickleSet
{
    public List<object?> Items { get; } = [];
}

/// <summary>A class or function that a pickle names. It is never looked up or called, only recognised.</summary>
public sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

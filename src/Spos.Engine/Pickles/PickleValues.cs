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

/// <summary>
/// A Python dict, or one of its kind, in the order of insertion. Keys are texts, numbers, None, classes and flat tuples of these;
/// any other key is a <see cref="PickleKey"/>.
/// </summary>
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
            var hash = default(HashCode);
            if (key is PickleTuple tuple)
            {
                foreach (object? item in tuple) AddTo(ref hash, item);
            }
            else
            {
                AddTo(ref hash, key);
            }
            return hash.ToHashCode();
        }

        // Both halves of a number, since many numbers whose halves cancel out would otherwise meet in one place.
        private static void AddTo(ref HashCode hash, object? item)
        {
            long? bits = item switch { long number => number, double number => BitConverter.DoubleToInt64Bits(number), _ => null };
            if (bits == null)
            {
                hash.Add(item);
                return;
            }
            hash.Add((int)bits);
            hash.Add((int)(bits >> 32));
        }
    }
}

/// <summary>A Python set or frozenset, as far as it is read: its items in order.</summary>
public sealed class PickleSet(List<object?> items)
{
    public List<object?> Items => items;

    public override string ToString() => $"a set of {Items.Count}";
}

/// <summary>A dictionary's key that is no plain value: equal to itself alone.</summary>
public sealed class PickleKey(object value)
{
    public override string ToString() => Unpickler.Describe(value);
}

/// <summary>A class or function that a pickle names. It is never looked up or called, only recognised.</summary>
public sealed record PickleGlobal(string Module, string Name)
{
    private const int MostCharacters = 80;

    public override string ToString() => $"{Shown.Excerpt(Module, MostCharacters)}.{Shown.Excerpt(Name, MostCharacters)}";
}

/// <summary>
/// What a pickle makes of a class or function that means nothing here. It is passed over: of its arguments nothing is kept, and
/// nothing of that class is looked up or run.
/// </summary>
public sealed class PickleOpaque(PickleGlobal type)
{
    public PickleGlobal Type => type;

    /// <summary>The state that it was given, most often a dict of its attributes.</summary>
    public object? State { get; internal set; }

    /// <summary>The entries that it was given as a dict is; null if none.</summary>
    public PickleDictionary? Entries { get; internal set; }

    public override string ToString() => $"an object of {type}";
}

using System.Text;

namespace Spos.Engine.Pickles;

/// <summary>
/// How the calls that a pickle asks for are turned into data. This one knows Python's own collections and bytes; what any other
/// class or function would make is a <see cref="PickleOpaque"/>.
/// </summary>
public class PickleObjects
{
    private static readonly PickleGlobal OrderedDict = new("collections", "OrderedDict");

    private readonly Dictionary<List<object?>, PickleDictionary> _ordered = new(ReferenceEqualityComparer.Instance);

    /// <summary>The data that a call stands for.</summary>
    /// <exception cref="FormatException">The arguments are not what a known function takes.</exception>
    public virtual object? Build(PickleGlobal callee, PickleTuple arguments) => (callee.Module, callee.Name) switch
    {
        ("collections", "OrderedDict") => Ordered(arguments),
        ("collections", "defaultdict") => new PickleDictionary(),
        // (items, greatest length); the items may also follow.
        ("collections", "deque") => arguments is [List<object?> items, ..] ? items : new List<object?>(),
        ("__builtin__" or "builtins", "set" or "frozenset") when arguments.Count == 0 => new PickleSet([]),
        ("__builtin__" or "builtins", "set" or "frozenset") when arguments is [List<object?> items] => new PickleSet(items),
        // Protocols 0 to 2 write bytes as a text of code points 0 to 255.
        ("_codecs", "encode") when arguments is [string text, "latin1"] => Encoding.Latin1.GetBytes(text),
        // Functions that make an object of the class that is their first argument, the last one a member of an enumeration.
        ("copy_reg" or "copyreg", "_reconstructor") or (_, "_reconstruct") or ("__builtin__" or "builtins", "getattr")
            when arguments is [PickleGlobal type, ..] => new PickleOpaque(type),
        _ => new PickleOpaque(callee),
    };

    /// <summary>What a persistent id, a reference to something outside of the pickle, stands for.</summary>
    /// <exception cref="FormatException">It is none that is known.</exception>
    public virtual object? Load(object? persistentId) => throw new FormatException("it refers to something outside of the pickle");

    // Python 2 gave the items as a list of pairs. A list is read once, however often it is named, so that a small pickle costs little.
    private object Ordered(PickleTuple arguments)
    {
        if (arguments.Count == 0) return new PickleDictionary();
        if (arguments.Count != 1 || arguments[0] is not List<object?> pairs) return new PickleOpaque(OrderedDict);
        if (_ordered.TryGetValue(pairs, out PickleDictionary? dictionary)) return dictionary;
        dictionary = new PickleDictionary();
        foreach (object? pair in pairs)
        {
            (object key, object? value) = pair switch
            {
                PickleTuple { Count: 2 } tuple => (Unpickler.AsKey(tuple[0]), tuple[1]),
                List<object?> { Count: 2 } list => (Unpickler.AsKey(list[0]), list[1]),
                _ => throw new FormatException("OrderedDict takes a list of pairs"),
            };
            dictionary.Set(key, value);
        }
        return _ordered[pairs] = dictionary;
    }
}

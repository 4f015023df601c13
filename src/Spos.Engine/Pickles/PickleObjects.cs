namespace Spos.Engine.Pickles;

/// <summary>
/// What a pickle may name beyond plain data: a fixed list of classes and functions, and how their calls are turned into data.
/// This one knows OrderedDict only.
/// </summary>
public class PickleObjects
{
    private static readonly PickleGlobal OrderedDict = new("collections", "OrderedDict");

    /// <summary>Whether a pickle may name it.</summary>
    public virtual bool Allows(PickleGlobal name) => name == OrderedDict;

    /// <summary>The data that a call of <paramref name="callee"/>, which is allowed, stands for.</summary>
    /// <exception cref="FormatException">The arguments are not what it takes.</exception>
    public virtual object? Build(PickleGlobal callee, PickleTuple arguments)
    {
        if (callee != OrderedDict) throw new FormatException($"{callee} cannot be called");
        var dictionary = new PickleDictionary();
        if (arguments.Count == 0) return dictionary;
        // Python 2 gave the items as a list of pairs.
        if (arguments.Count != 1 || arguments[0] is not List<object?> pairs) throw new FormatException("OrderedDict takes a list of pairs");
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
        return dictionary;
    }

    /// <summary>What a persistent id, a reference to something outside of the pickle, stands for.</summary>
    /// <exception cref="FormatException">It is none that is known.</exception>
    public virtual object? Load(object? persistentId) => throw new FormatException("it refers to something outside of the pickle");
}

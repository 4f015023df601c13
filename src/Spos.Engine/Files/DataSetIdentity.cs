using MessagePack;

namespace Spos.Engine.Files;

/// <summary>What tells a class of a data set from another one: its name, and its pictures' names and sizes.</summary>
/// <param name="Digest">Of the pictures' paths within the class and their sizes in bytes, in order; in hexadecimal.</param>
[MessagePackObject]
public sealed record ClassIdentity([property: Key(0)] string Name, [property: Key(1)] int Pictures, [property: Key(2)] string Digest);

/// <summary>
/// What tells a data set from another one, wherever it lies: names of classes, and names and sizes of pictures, in order. Small
/// enough to be kept with what was made from the data set; JSON and MessagePack write it as it is.
/// </summary>
/// <param name="Classes">In the order of their labels.</param>
/// <param name="Digest">SHA-256 over all classes, in hexadecimal.</param>
[MessagePackObject]
public sealed record DataSetIdentity([property: Key(0)] ClassIdentity[] Classes, [property: Key(1)] string Digest)
{
    // Names listed of each kind; more are counted.
    private const int Listed = 3;

    /// <summary>
    /// What is different in <paramref name="now"/>, without a full stop, such as "class 'cat' had 120 pictures and has 121".
    /// </summary>
    /// <returns>Null if nothing is.</returns>
    public string? DifferenceTo(DataSetIdentity now)
    {
        if (Digest == now.Digest) return null;
        if (Renamed(now) is { } renamed) return renamed;
        if (DifferenceOfClasses([.. Classes.Select(c => c.Name)], [.. now.Classes.Select(c => c.Name)]) is { } classes) return classes;
        (ClassIdentity Then, ClassIdentity Now)[] changed = [.. Classes.Zip(now.Classes).Where(c => c.First != c.Second)];
        if (changed.Length == 0) return "its pictures are others";
        (ClassIdentity first, ClassIdentity second) = changed[0];
        string what = first.Pictures == second.Pictures
            ? $"class '{first.Name}' has as many pictures as before, {first.Pictures}, but of other names or sizes"
            : $"class '{first.Name}' had {first.Pictures} pictures and has {second.Pictures}";
        return changed.Length == 1 ? what : $"{what}, and {changed.Length - 1} more of {Classes.Length} classes changed";
    }

    /// <summary>
    /// What is different in the second list of class names, without a full stop, such as "class 'cat' is missing and 'katze' is new".
    /// </summary>
    /// <returns>Null if they are the same, in the same order.</returns>
    public static string? DifferenceOfClasses(IReadOnlyList<string> then, IReadOnlyList<string> now)
    {
        if (then.SequenceEqual(now)) return null;
        string[] missing = [.. then.Except(now)], added = [.. now.Except(then)];
        return (missing.Length, added.Length) switch
        {
            (0, 0) => "its classes are in another order",
            (_, 0) => $"{List(missing)} missing",
            (0, _) => $"{List(added)} new",
            _ => $"{List(missing)} missing and {List(added)} new",
        };
    }

    // Classes that have new names and the same pictures.
    private string? Renamed(DataSetIdentity now)
    {
        ClassIdentity[] gone = [.. Classes.ExceptBy(now.Classes.Select(c => c.Name), c => c.Name)];
        List<ClassIdentity> added = [.. now.Classes.ExceptBy(Classes.Select(c => c.Name), c => c.Name)];
        var names = new List<string>();
        foreach (ClassIdentity old in gone)
        {
            int at = added.FindIndex(c => c.Digest == old.Digest && c.Pictures == old.Pictures);
            if (at < 0) continue;
            names.Add($"class '{old.Name}' is called '{added[at].Name}' now");
            added.RemoveAt(at);
        }
        string more = names.Count > Listed ? $", and {names.Count - Listed} more have new names" : "";
        return names.Count == 0 ? null : string.Join(", ", names.Take(Listed)) + more;
    }

    private static string List(string[] names)
    {
        string listed = Shown.Few([.. names.Select(n => $"'{n}'")], Listed);
        return names.Length == 1 ? $"class {listed} is" : $"classes {listed} are";
    }
}

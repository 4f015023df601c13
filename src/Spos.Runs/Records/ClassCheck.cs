using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Files;

namespace Spos.Runs.Records;

/// <summary>Whether a data set's classes are those that a network tells apart, in the order of its outputs.</summary>
public static class ClassCheck
{
    // Labels told at most in one message.
    private const int MostLabels = 3;

    /// <param name="accept">Classes of other names, but as many, are all right (--accept-changed-data); it is said.</param>
    /// <param name="warn">Told where it goes on all the same.</param>
    /// <exception cref="DataException">They are not; the message says which.</exception>
    public static void Require(string checkpoint, CheckpointHeader header, ImageFolder data, bool accept, Action<string> warn)
    {
        string? names = header.ClassNames == null ? null : Difference(header.ClassNames, data.Classes);
        if (data.Classes.Length != header.Classes)
        {
            throw new DataException(
                $"{data.Root} has {data.Classes.Length} classes; the network of {checkpoint} tells {header.Classes} "
                + $"apart{(names == null ? "" : $": {names}")}. Use the data set that it was trained on.");
        }
        if (names == null) return;
        Refuse(
            $"{data.Root} has other classes than {checkpoint} was trained on: {names}.", "Labels would be wrong: use those classes", accept,
            warn);
    }

    /// <summary>Throws of other classes, unless they are accepted; then it says that it goes on.</summary>
    /// <param name="found">Which they are: a sentence.</param>
    /// <param name="remedy">What else to do: a sentence without its full stop.</param>
    /// <exception cref="DataException">They are not accepted.</exception>
    internal static void Refuse(string found, string remedy, bool accept, Action<string> warn)
    {
        if (!accept) throw new DataException($"{found} {remedy}, or go on knowingly with --accept-changed-data.");
        warn($"{found} It goes on, as --accept-changed-data says.");
    }

    /// <summary>How class names differ, label by label; null if they do not.</summary>
    public static string? Difference(IReadOnlyList<string> then, IReadOnlyList<string> now)
    {
        if (DataSetIdentity.DifferenceOfClasses(then, now) is not { } difference) return null;
        if (then.Count != now.Count) return difference;
        int[] labels = [.. Enumerable.Range(0, then.Count).Where(i => then[i] != now[i])];
        string first = string.Join(", ", labels.Take(MostLabels).Select(i => $"label {i} was '{then[i]}' and is '{now[i]}'"));
        return $"{difference} ({first}{(labels.Length > MostLabels ? $", and {labels.Length - MostLabels} more of {then.Count}" : "")})";
    }
}

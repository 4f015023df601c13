using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>Why something in a data set's folders is not one of its pictures.</summary>
internal enum PassOver
{
    /// <summary>Its name begins with a dot, or it is what a system keeps beside files.</summary>
    Hidden,

    /// <summary>A pipe, a socket or a device that is named as a picture.</summary>
    Special,

    /// <summary>A link to a folder that was read already: it may lead in a circle.</summary>
    Linked,

    /// <summary>A picture of a format that is not decoded.</summary>
    Format,
}

/// <summary>Counts what is passed over in a data set's folders, and keeps an example of each kind.</summary>
internal sealed class PassedOver
{
    private readonly (int Count, FilePath Example)[] _kinds = new (int, FilePath)[Enum.GetValues<PassOver>().Length];

    public void Add(PassOver kind, FilePath example)
    {
        ref (int Count, FilePath Example) entry = ref _kinds[(int)kind];
        if (entry.Count++ == 0) entry.Example = example;
    }

    public void Add(PassedOver others)
    {
        for (int i = 0; i < _kinds.Length; i++)
        {
            if (_kinds[i].Count == 0) _kinds[i].Example = others._kinds[i].Example;
            _kinds[i].Count += others._kinds[i].Count;
        }
    }

    /// <summary>A line for the user, or two; none if nothing was passed over.</summary>
    public IEnumerable<string> Lines(string folder)
    {
        string[] silent =
        [
            .. Counted(PassOver.Hidden, "hidden file or folder", "hidden files or folders"),
            .. Counted(PassOver.Special, "pipe, socket or device", "pipes, sockets or devices"),
            .. Counted(PassOver.Linked, "link to a folder that was read already", "links to folders that were read already"),
        ];
        if (silent.Length > 0) yield return $"{folder}: passed over {string.Join(", ", silent)}.";
        foreach (string files in Counted(PassOver.Format, "picture of a format that is not read", "pictures of formats that are not read"))
        {
            yield return $"{folder}: passed over {files}. To use them, convert them to JPEG or PNG.";
        }
    }

    private IEnumerable<string> Counted(PassOver kind, string one, string many)
    {
        (int count, FilePath example) = _kinds[(int)kind];
        if (count > 0) yield return count == 1 ? $"1 {one} ({example.Name})" : $"{count} {many} (such as {example.Name})";
    }
}

using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Runs.Folders;

/// <summary>
/// The copy of its table of latencies that a search keeps in its folder. What repeats the search, or trains its front, takes times from
/// there, whatever becomes of the file that the search was given.
/// </summary>
public static class SearchedLatency
{
    /// <summary>The option that names a table.</summary>
    public const string Option = "latency-table";

    /// <summary>The copy's name.</summary>
    public const string FileName = "latency-table.json";

    /// <summary>Writes the copy and returns its path.</summary>
    /// <param name="table">One that was read.</param>
    /// <exception cref="WriteException">It could not be written.</exception>
    internal static string Write(RunFolder folder, LatencyTable table)
    {
        string path = Path.Combine(folder.Folder, FileName);
        AtomicFile.Write(path, stream => stream.Write(table.Content));
        return path;
    }

    /// <summary>Any table; one that is a search's copy has to be what that search was made with.</summary>
    /// <exception cref="LatencyTableException">It is not, or <see cref="LatencyTable.Read"/> refuses it.</exception>
    /// <exception cref="UnreadableFileException">It cannot be read, or is too large.</exception>
    internal static (LatencyTable Table, CostTable Costs) Read(string path, NetworkSpec spec)
    {
        (LatencyTable table, CostTable costs) = LatencyTable.Read(path, spec);
        if (Path.GetFileName(path) == FileName
            && SearchState.TryOriginOf(Path.GetDirectoryName(Path.GetFullPath(path))!) is { LatencyTable.Length: > 0 } searched
            && searched.LatencyTable != table.Checksum)
        {
            throw new LatencyTableException(
                $"{path} is not the table that the search of its folder was made with: it has changed since. Search anew, with the table "
                + $"that is wanted as --{Option}.");
        }
        return (table, costs);
    }
}

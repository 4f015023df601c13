using System.Buffers.Binary;
using Spos.Runs.Reading;

namespace Spos.Report.Chains;

/// <summary>
/// How long a run took, as TensorBoard's event files tell it: each event has the time at which it was written, and each start of a run has
/// a file of its own, so that a pause between two starts does not count.
/// </summary>
internal static class EventTimes
{
    // More than the longest run writes.
    private const int MostFiles = 1000, MostBytesOfEvent = 1 << 20;
    private const long MostBytes = 1L << 30;

    // A record is its length, that length's checksum, the event, and its checksum. An event begins with its time, the field 1 of 8 bytes.
    private const int Head = 12, Foot = 4;
    private const byte TimeField = (1 << 3) | 1;

    /// <summary>Seconds from the first event to the last one, over all event files; null if there are none.</summary>
    public static double? SecondsOf(OwnFiles files)
    {
        string[] names;
        try
        {
            IEnumerable<string> paths = Directory.EnumerateFiles(files.Folder, "events.out.tfevents.*").Take(MostFiles);
            names = [.. paths.Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        double? seconds = null;
        foreach (string name in names)
        {
            if (files.Find(name) is not var (path, stamp) || stamp.Size > MostBytes) continue;
            if (SecondsOf(path) is { } own) seconds = (seconds ?? 0) + own;
        }
        return seconds;
    }

    /// <summary>The same of one file, as far as it can be read.</summary>
    internal static double? SecondsOf(string path)
    {
        double? first = null, last = null;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Span<byte> head = stackalloc byte[Head + 1 + sizeof(double)];
            while (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length)
            {
                ulong length = BinaryPrimitives.ReadUInt64LittleEndian(head);
                if (length is < 1 + sizeof(double) or > MostBytesOfEvent || head[Head] != TimeField) break;
                double time = BinaryPrimitives.ReadDoubleLittleEndian(head[(Head + 1)..]);
                if (!double.IsFinite(time)) break;
                first ??= time;
                last = Math.Max(last ?? time, time);
                file.Position += (long)length - 1 - sizeof(double) + Foot;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        return last - first;
    }
}

using System.Collections.Concurrent;
using Spos.Engine.Files;
using Spos.Engine.Ranks;

namespace Spos.Engine.Data;

/// <summary>
/// Files that could not be decoded, and those that were decoded in spite of damage. Each is told of once, and what is known to be
/// damaged is not tried again.
/// </summary>
public sealed class DamageReport(Action<string> report)
{
    // Some data sets have thousands of harmless ones.
    private const int MostWarnings = 20;

    private readonly ConcurrentDictionary<FilePath, string> _causes = new();
    private readonly ConcurrentDictionary<FilePath, bool> _warned = new();
    private readonly ConcurrentDictionary<(FilePath, string), bool> _told = new();
    private readonly ConcurrentDictionary<FilePath, bool> _refused = new();

    private int _warnings, _refusals;

    /// <summary>Different files that could not be decoded, so far.</summary>
    public int Files => _causes.Count;

    /// <summary>Different files that were decoded in spite of damage, so far.</summary>
    public int Warnings => _warnings;

    /// <summary>Different JPEGs that nvJPEG does not decode, so far: Spos's own decoder does, damaged or not.</summary>
    public int Refused => _refused.Count;

    /// <summary>The counts of damaged files, for a table.</summary>
    public override string ToString() => Warnings == 0 ? $"{Files}" : $"{Files}, and {Warnings} that could be decoded";

    /// <summary>Why a file could not be decoded; null if it is not known to be damaged.</summary>
    public string? CauseOf(FilePath path) => _causes.GetValueOrDefault(path);

    /// <summary>Counts what other processes have found, too, each of which reads a share of the pictures.</summary>
    public void Share(IRanks ranks)
    {
        if (ranks.Count == 1) return;
        foreach (FilePath path in OfAll(ranks, _causes.Keys)) _causes.TryAdd(path, "Another process has told why.");
        foreach (FilePath path in OfAll(ranks, _refused.Keys)) _refused.TryAdd(path, true);
        foreach (FilePath path in OfAll(ranks, _warned.Keys))
        {
            if (_warned.TryAdd(path, true)) _warnings++;
        }
    }

    private static IEnumerable<FilePath> OfAll(IRanks ranks, IEnumerable<FilePath> own)
    {
        byte[] bytes = [.. own.SelectMany(path => path.Terminated.ToArray())];
        foreach (byte[] all in ranks.GatherAll<byte>(bytes))
        {
            for (int first = 0, end; first < all.Length; first = end + 1)
            {
                end = Array.IndexOf(all, (byte)0, first);
                yield return new FilePath(all.AsSpan(first, end - first));
            }
        }
    }

    /// <param name="cause">A sentence that names the file.</param>
    /// <param name="consequence">What is done instead: a sentence.</param>
    internal void Add(FilePath path, string cause, string consequence)
    {
        _causes.TryAdd(path, cause);
        if (_told.TryAdd((path, consequence), true)) report($"{cause} {consequence}");
    }

    /// <summary>nvJPEG does not decode a JPEG.</summary>
    internal void AddRefused(FilePath path)
    {
        if (!_refused.TryAdd(path, true) || Interlocked.Increment(ref _refusals) > 1) return;
        report($"{path}: nvJPEG does not decode it, so Spos's own decoder does. Further ones are only counted.");
    }

    /// <param name="cause">A sentence that names the file.</param>
    internal void Warn(FilePath path, string cause)
    {
        if (!_warned.TryAdd(path, true)) return;
        int count = Interlocked.Increment(ref _warnings);
        string last = count == MostWarnings ? " Further ones are only counted." : "";
        if (count <= MostWarnings) report($"{cause} It is used as it was decoded.{last}");
    }
}

using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Runs.Folders;

namespace Spos.Runs.Phases;

/// <summary>
/// The caches of a run's decoded pictures (--cache), one of train and one of val. What can be refused of them is refused where the data set
/// is opened; they are made once the run has begun.
/// </summary>
public static class PictureCaches
{
    // The shorter side that is proposed where pictures as they are do not fit: what the validation shrinks them to for 224×224.
    private const int ProposedSize = 256;

    /// <summary>A split whose pictures are read from its cache, if there is to be one.</summary>
    /// <exception cref="SposException">The cache lies in the data set, is damaged, or is of other pictures or another size.</exception>
    public static ImageFolder Open(DataSpec spec, string split, ImageFolder data)
    {
        if (spec.Cache is not { } folder) return data;
        string full = Path.GetFullPath(folder);
        if (data.Holds(full))
        {
            throw new UsageException($"--cache {full} is in the data set, {Path.GetFullPath(data.Root)}. Choose another folder.");
        }
        return data.ReadFrom(PictureCache.Open(full, split, spec.CacheSize, data));
    }

    /// <summary>Says how large caches will be that are not there yet, and how much room there is.</summary>
    /// <exception cref="UsageException">They may not be written.</exception>
    /// <exception cref="DataException">They do not fit.</exception>
    public static void RequireRoom(DataSpec spec, IRunObserver observer, params IReadOnlyList<ImageFolder> splits)
    {
        ImageFolder[] unmade = [.. splits.Where(data => data.Cache is { IsWhole: false })];
        if (unmade.Length == 0) return;
        string folder = Path.GetFullPath(spec.Cache!);
        RequireAccess(folder, unmade);
        CacheEstimate[] estimates = [.. unmade.Select(data => data.Cache!.Estimate(data, spec.Workers))];
        long free = FreeAt(folder) + unmade.Sum(data => data.Cache!.TornBytes);
        string size = About(estimates, spec.CacheSize);
        if (estimates.Sum(e => e.MostBytes(spec.CacheSize)) <= free)
        {
            string names = string.Join(" and ", unmade.Select(data => data.Cache!.Name));
            observer.Say($"The cache of {names} in {folder} takes {size} more, of {Shown.Bytes(free)} that are free there.");
            return;
        }
        string smaller = spec.CacheSize is null or > ProposedSize && estimates.Sum(e => e.MostBytes(ProposedSize)) <= free
            ? $"Shrink pictures by --cache-size {ProposedSize}, which takes {About(estimates, ProposedSize)}, or choose another folder"
            : "Choose another folder, or make room";
        throw new DataException($"--cache {folder}: the cache takes {size} more, and {Shown.Bytes(free)} are free there. {smaller}.");
    }

    /// <summary>Makes the caches that are not there yet, or goes on with them.</summary>
    /// <returns>Whether they are there; else it was stopped, and has said so.</returns>
    /// <exception cref="SposException">One cannot be made; what was made of it is kept.</exception>
    public static bool Make(
        DataSpec spec, Device device, IRunObserver observer, CancellationToken cancel, params IReadOnlyList<ImageFolder> splits)
    {
        foreach (ImageFolder data in splits)
        {
            if (data.Cache is not { IsWhole: false } cache) continue;
            int total = data.Samples.Length;
            var part = new RunPart(PartKind.Caching, $"cache of {cache.Name}", spec.Cache!, "img", total, cache.Pictures);
            try
            {
                observer.Observe(part, () => cache.Make(data, device, spec.Workers, observer.Cached, cancel));
            }
            catch (WriteException error)
            {
                throw InterruptedRunException.Of(error, "What was cached before is kept");
            }
            if (cache.IsWhole) continue;
            observer.Say(
                $"Stopped when {cache.Pictures} of {total} pictures of {cache.Name} were in the cache. "
                + "To go on, run the same command again.");
            return false;
        }
        return true;
    }

    // A folder that is not there yet is made below one that may be written to, which the option's own check has seen.
    private static void RequireAccess(string folder, ImageFolder[] unmade)
    {
        foreach (PictureCache cache in unmade.Select(data => data.Cache!))
        {
            string? closed = new[] { folder, cache.PixelsFile }.FirstOrDefault(path => Path.Exists(path) && !WriteAccess.IsGiven(path));
            if (closed == null) continue;
            throw new UsageException(
                $"--cache {folder}: there is no whole cache of {cache.Name}, and you may not write to {closed}. "
                + "Choose a folder that you may write to, or one with a whole cache.");
        }
    }

    private static string About(CacheEstimate[] estimates, int? size)
    {
        string bytes = Shown.Bytes(estimates.Sum(e => e.Bytes(size)));
        return estimates.Any(e => e.IsSample) ? $"about {bytes}" : bytes;
    }

    // Of the disk that a folder is on, or will be.
    private static long FreeAt(string folder)
    {
        while (!Directory.Exists(folder)) folder = Path.GetDirectoryName(folder)!;
        return new DriveInfo(folder).AvailableFreeSpace;
    }
}

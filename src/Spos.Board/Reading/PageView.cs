using Spos.Runs.Reading;

namespace Spos.Board.Reading;

/// <summary>Points that were added to a line.</summary>
/// <param name="From">So many the line had before, decimated or not.</param>
internal sealed record AddedPoints(string Name, int From, Points Points);

/// <summary>What has changed of a run: points were added; if there are none, something else.</summary>
internal sealed record RunNews(AddedPoints[] Added);

/// <summary>What a page has been told of a run, so that it is told only what has changed since.</summary>
internal sealed class PageView
{
    private WatchedRun? _run;
    private long _version, _other;
    private int[] _counts = [];

    /// <summary>What is new; null if nothing is.</summary>
    /// <param name="run">Null where there is none. One that is there again is new.</param>
    public RunNews? NewsOf(WatchedRun? run)
    {
        bool isOther = run != _run;
        _run = run;
        if (run == null || (!isOther && run.Version == _version)) return null;
        IReadOnlyList<Series> series = run.Series;
        bool isWhole = isOther || run.OtherVersion != _other || series.Count != _counts.Length
            || series.Where((one, i) => one.Count < _counts[i] || one.Count - _counts[i] > WatchedRun.MostPoints).Any();
        AddedPoints[] added = isWhole
            ? []
            :
            [
                .. from place in Enumerable.Range(0, series.Count)
                   where series[place].Count > _counts[place]
                   select new AddedPoints(series[place].Name, _counts[place], series[place].Since(_counts[place])),
            ];
        bool hasAny = isWhole || added.Length > 0;
        (_version, _other, _counts) = (run.Version, run.OtherVersion, [.. series.Select(one => one.Count)]);
        return hasAny ? new RunNews(added) : null;
    }
}

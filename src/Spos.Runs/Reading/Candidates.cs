using System.Collections.Immutable;
using Spos.Space;

namespace Spos.Runs.Reading;

/// <summary>search.json, as far as those need it who show runs.</summary>
internal sealed record SearchContents(SearchedScore?[]? Scores);

/// <summary>A candidate of search.json.</summary>
internal sealed record SearchedScore(string? Architecture, int Generation, double Flops, double Top1);

/// <summary>A candidate as the page draws it.</summary>
/// <param name="Count">Candidates that it stands for.</param>
internal sealed record Dot(double Flops, double Top1, int Generation, int Count);

/// <summary>A candidate with its architecture.</summary>
internal sealed record Found(string Architecture, double Flops, double Top1, int Generation);

/// <summary>What the generations from one to another came to; they are counted from 1.</summary>
/// <param name="Best">The best candidate so far.</param>
/// <param name="Own">The best of these generations.</param>
internal sealed record GenerationFigures(int First, int Last, int Candidates, double Best, double Own, double Mean);

/// <summary>How often candidates have each operation in each block.</summary>
/// <param name="Columns">The generations of each column, such as "3" or "3 to 5".</param>
/// <param name="Shares">By operation, block and column, from 0 to 1.</param>
internal sealed record OperationShares(string[] Columns, double[][][] Shares);

/// <summary>The candidates of a search, so many as a page can draw.</summary>
internal sealed record Candidates(
    int Count, Dot[] Dots, Found[] Front, Found[] Best, GenerationFigures[] Generations, OperationShares? Operations)
{
    // A page draws so many at once.
    private const int MostDots = 2000, Across = 80, Down = 40, MostRows = 40, MostFront = 200, MostGenerations = 400, MostColumns = 40;

    // What of an architecture a heat map can show.
    private const int MostBlocks = 200, MostOperations = 64;

    public static Candidates Of(SearchContents contents)
    {
        Found[] all =
        [
            .. from score in contents.Scores ?? []
               where score?.Architecture is { Length: > 0 and < 4096 } && double.IsFinite(score.Flops) && double.IsFinite(score.Top1)
               select new Found(score.Architecture!, score.Flops, score.Top1, score.Generation),
        ];
        Found[] best = [.. all.OrderByDescending(one => one.Top1).ThenBy(one => one.Flops).Take(MostRows)];
        return new Candidates(all.Length, DotsOf(all), Thinned(FrontOf(all)), best, GenerationsOf(all), OperationsOf(all));
    }

    // Where there are many, one of each cell of a grid stands for all there.
    private static Dot[] DotsOf(Found[] all)
    {
        if (all.Length <= MostDots) return [.. all.Select(one => new Dot(one.Flops, one.Top1, one.Generation, 1))];
        (double least, double most) = (all.Min(one => one.Flops), all.Max(one => one.Flops));
        (double worst, double best) = (all.Min(one => one.Top1), all.Max(one => one.Top1));
        static int Cell(double value, double from, double to, int cells) =>
            to > from ? (int)Math.Min((value - from) / (to - from) * cells, cells - 1) : 0;
        return
        [
            .. from one in all
               group one by Cell(one.Flops, least, most, Across) * Down + Cell(one.Top1, worst, best, Down) into cell
               let shown = cell.MaxBy(one => one.Top1)!
               select new Dot(shown.Flops, shown.Top1, shown.Generation, cell.Count()),
        ];
    }

    // Those than which none is better and as cheap, from the cheapest on.
    private static List<Found> FrontOf(Found[] all)
    {
        var front = new List<Found>();
        foreach (Found one in all.OrderBy(one => one.Flops).ThenByDescending(one => one.Top1))
        {
            if (front.Count == 0 || one.Top1 > front[^1].Top1) front.Add(one);
        }
        return front;
    }

    private static Found[] Thinned(List<Found> front) => front.Count <= MostFront
        ? [.. front]
        : [.. Enumerable.Range(0, MostFront).Select(i => front[(int)((long)i * (front.Count - 1) / (MostFront - 1))])];

    private static GenerationFigures[] GenerationsOf(Found[] all)
    {
        Found[][] generations = [.. all.GroupBy(one => one.Generation).OrderBy(group => group.Key).Select(group => group.ToArray())];
        var figures = new List<GenerationFigures>();
        double best = double.NegativeInfinity;
        foreach (Found[][] part in generations.Chunk(Math.Max((generations.Length + MostGenerations - 1) / MostGenerations, 1)))
        {
            Found[] candidates = [.. part.SelectMany(one => one)];
            double own = candidates.Max(one => one.Top1);
            best = Math.Max(best, own);
            figures.Add(new GenerationFigures(
                part[0][0].Generation + 1, part[^1][0].Generation + 1, candidates.Length, best, own, candidates.Average(one => one.Top1)));
        }
        return [.. figures];
    }

    private static OperationShares? OperationsOf(Found[] all)
    {
        var parsed = new List<(int Generation, ImmutableArray<int> Operations)>(all.Length);
        foreach (Found one in all)
        {
            try
            {
                parsed.Add((one.Generation, Architecture.Parse(one.Architecture).Operations));
            }
            catch (FormatException)
            {
                // It is in the other figures all the same.
            }
        }
        int blocks = parsed.Count > 0 ? parsed[0].Operations.Length : 0;
        parsed.RemoveAll(one => one.Operations.Length != blocks);
        if (blocks is 0 or > MostBlocks) return null;
        int operations = parsed.Max(one => one.Operations.Max()) + 1;
        if (operations > MostOperations) return null;
        int[] generations = [.. parsed.Select(one => one.Generation).Distinct().Order()];
        int[][] columns = [.. generations.Chunk((generations.Length + MostColumns - 1) / MostColumns)];
        var columnOf = columns.Index().SelectMany(column => column.Item.Select(generation => (generation, column.Index)))
            .ToDictionary(one => one.generation, one => one.Index);
        double[][][] shares =
        [
            .. Enumerable.Range(0, operations)
                .Select(_ => Enumerable.Range(0, blocks).Select(_ => new double[columns.Length]).ToArray()),
        ];
        double[] totals = new double[columns.Length];
        foreach ((int generation, _) in parsed) totals[columnOf[generation]]++;
        foreach ((int generation, ImmutableArray<int> chosen) in parsed)
        {
            int column = columnOf[generation];
            for (int block = 0; block < blocks; block++) shares[chosen[block]][block][column] += 1 / totals[column];
        }
        return new OperationShares([.. columns.Select(NameOf)], shares);
    }

    private static string NameOf(int[] generations) =>
        generations is [var one] ? $"{one + 1L}" : $"{generations[0] + 1L} to {generations[^1] + 1L}";
}

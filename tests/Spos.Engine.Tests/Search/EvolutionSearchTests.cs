using Spos.Engine.Search;
using Spos.Engine.Supernet;

namespace Spos.Engine.Tests.Search;

public sealed class EvolutionSearchTests
{
    private static readonly FlopsTable Flops = new(new NetworkSpec());

    [Fact]
    public void It_climbs_never_scores_twice_and_keeps_the_limit()
    {
        var options = new EvolutionOptions { FlopsLimit = 330e6, Seed = 1 };
        List<Candidate> scored = [];
        Candidate best = Search(options).Run(Score, scored.Add, CancellationToken.None);
        Assert.Equal(1000, scored.Count);
        Assert.Equal(1000, scored.Select(c => c.Path).Distinct().Count());
        Assert.All(scored, c => Assert.InRange(c.Flops, 0, 330e6));
        Assert.Equal(scored.Max(c => c.Top1), best.Top1);
        // Random search of the same budget reaches about half of the way from the mean.
        Assert.True(best.Top1 > scored.Where(c => c.Generation == 0).Max(c => c.Top1) + 0.15);
    }

    [Fact]
    public void The_same_seed_and_scores_give_the_same_search()
    {
        var options = new EvolutionOptions { MaxEpochs = 4, Seed = 2 };
        List<Candidate> first = [], second = [];
        Search(options).Run(Score, first.Add, CancellationToken.None);
        Search(options).Run(Score, second.Add, CancellationToken.None);
        Assert.Equal(first, second);
    }

    [Fact]
    public void A_small_space_ends_with_fewer_candidates()
    {
        var spec = new NetworkSpec { ImageSize = 32, StageRepeats = [1, 1, 1, 1], Classes = 10 };
        var flops = new FlopsTable(spec);
        var search = new EvolutionSearch(flops, new PathSampler(flops), new EvolutionOptions { FlopsLimit = double.MaxValue });
        search.Run(p => p.Blocks[0], _ => { }, CancellationToken.None);
        Assert.InRange(search.Candidates.Count, 200, 256);
    }

    private static EvolutionSearch Search(EvolutionOptions options) => new(Flops, new PathSampler(Flops), options);

    // The share of blocks that match a hidden path.
    private static double Score(Architecture path) => path.Blocks.Select((choice, i) => choice == i * 7 % 3 ? 1.0 : 0).Average();
}

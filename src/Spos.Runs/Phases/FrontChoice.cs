using Spos.Runs.Folders;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>Which networks are trained with a front: some of its own, and some to compare them with.</summary>
internal static class FrontChoice
{
    /// <summary>The networks, none twice: of the front, random ones, hand-made ones; each sort from the cheapest on.</summary>
    /// <param name="along">The cost along which they are chosen evenly.</param>
    /// <param name="seed">Fixes the random ones.</param>
    /// <param name="observer">Told where there are fewer than are asked for.</param>
    public static FrontNetwork[] Of(FrontSpec spec, SearchedFront front, CostTable along, ulong seed, IRunObserver observer)
    {
        Architecture[] members = [.. front.Members.Select(member => Architecture.Parse(member.Architecture))];
        if (members.Length < spec.NumNetworks)
        {
            observer.Say($"The front of {front.Folder} has fewer candidates than --num-networks {spec.NumNetworks}: all {members.Length} "
                + "are trained.");
        }
        int[] places = EvenSpread.Choose([.. members.Select(path => (double)along.Of(path))], spec.NumNetworks);
        Architecture[] own = [.. places.Select(place => members[place])];
        (double least, double most) = (along.Of(own[0]), along.Of(own[^1]));
        string range = along.Measure.TextOf(least, most);

        // What is trained already is no comparison.
        Architecture[] handmade = Handmade(spec.Handmade, along, least, most, own);
        if (handmade.Length < spec.Handmade)
        {
            observer.Say($"--handmade {spec.Handmade}: there are only {handmade.Length} of {range} that are not of the front.");
        }
        Architecture[] random = Random(spec.Random, along, least, most, seed, [.. own, .. handmade]);
        if (random.Length < spec.Random)
        {
            observer.Say($"--random {spec.Random}: there are only {random.Length} of {range} that are not trained anyway.");
        }
        return
        [
            .. own.Select((path, i) => new FrontNetwork(FrontSource.Front, i, $"{path}", front.Members[places[i]].Top1)),
            .. random.Select((path, i) => new FrontNetwork(FrontSource.Random, i, $"{path}", null)),
            .. handmade.Select((path, i) => new FrontNetwork(FrontSource.Handmade, i, $"{path}", null)),
        ];
    }

    // ShuffleNetV2 itself, whatever it costs and whether the space is left with it or not; and those within the range whose blocks are all
    // of another one alternative.
    private static Architecture[] Handmade(int count, CostTable along, double least, double most, Architecture[] except)
    {
        if (count == 0) return [];
        SearchSpace space = along.Space;
        Architecture Alike(int choice) => space.PathOf(space.Blocks.Select(_ => choice));
        Architecture plain = Alike(space.HasScales ? Architecture.ChoiceOf(0, ChannelScales.Plain) : 0);
        Architecture[] others =
        [
            .. space.Alike.Select(Alike)
                .Where(path => !path.Equals(plain) && !except.Contains(path) && along.Of(path) >= least && along.Of(path) <= most),
        ];
        Architecture[] first = except.Contains(plain) ? [] : [plain];
        int left = count - first.Length;
        IEnumerable<Architecture> spread =
            left == 0 ? [] : EvenSpread.Choose([.. others.Select(path => (double)along.Of(path))], left).Select(place => others[place]);
        return [.. first.Concat(spread).OrderBy(path => along.Of(path))];
    }

    private static Architecture[] Random(int count, CostTable along, double least, double most, ulong seed, Architecture[] except)
    {
        if (count == 0) return [];
        var parts = new CostParts(least, most, least < most ? Math.Min(count, CostParts.MostParts) : 1);
        var sampler = new LimitedSampler(new CostLimits([new CostLimit(along, least, most)]));
        var random = new CounterRandom(seed, RandomPurpose.Search, ulong.MaxValue - 1);
        return [.. parts.Draw(sampler, along, random, count, except).OrderBy(path => along.Of(path))];
    }
}

using System.Collections.Immutable;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>The paths that each step of a supernet's training trains: a function of the seed and the step alone.</summary>
internal sealed class StepPaths
{
    private readonly SupernetSpec _spec;
    private readonly PathSampler _sampler;
    private readonly SandwichRule? _sandwich;
    private readonly (double Low, double High)? _window;

    /// <exception cref="UsageException">The options contradict each other, or no path is within the window of FLOPs.</exception>
    public StepPaths(SupernetSpec spec, NetworkSpec network, PathSampler sampler)
    {
        (_spec, _sampler) = (spec, sampler);
        RequireDisjoint(spec.PathsPerStep, sampler.Costs.Space);
        if (spec.SandwichPaths > 0) _sandwich = new SandwichRule(sampler.Costs);
        bool hasWindow = (spec.FlopsLow ?? 0) > 0 || spec.FlopsHigh != null || network.IsOfficialSize;
        if (spec.PathsPerStep > 1 || spec.SandwichPaths > 0 || !hasWindow) return;
        (double low, double high) = FlopsWindow.Of(spec.FlopsLow, spec.FlopsHigh, network, sampler.Costs);
        _window = (Math.Max(low, sampler.Costs.Least), Math.Min(high, sampler.Costs.Most));
        Refusal.Of(() => Within(RandomAt(0)));
    }

    /// <summary>Steps in which channel scales are let in one after the other, from the widest.</summary>
    public long WarmupSteps { get; set; }

    /// <summary>Refuses options of which paths are trained that contradict each other.</summary>
    /// <exception cref="UsageException">They do.</exception>
    public static void Check(SupernetSpec spec, BlockSet blocks)
    {
        if (spec.ScaleWarmupEpochs > 0 && !blocks.HasScales)
        {
            throw new UsageException(
                $"--scale-warmup-epochs {spec.ScaleWarmupEpochs}: the blocks of this network, {blocks}, have no channel scales.");
        }
        if (spec.SandwichPaths > 0 && spec.PathsPerStep > 1)
        {
            throw new UsageException(
                $"--sandwich-paths {spec.SandwichPaths} needs --paths-per-step 1: the widest and the narrowest path share operations with "
                + "the others.");
        }
        bool hasWindow = (spec.FlopsLow ?? spec.FlopsHigh) != null;
        if (hasWindow && spec.SandwichPaths > 0)
        {
            throw new UsageException(
                "--flops-lb and --flops-ub need --sandwich-paths 0: the widest and the narrowest path are those of all FLOPs.");
        }
        if (hasWindow && spec.PathsPerStep > 1)
        {
            throw new UsageException(
                "--flops-lb and --flops-ub need --paths-per-step 1: paths that share no operation cannot all be kept within a window.");
        }
        if (spec.Distillation is { } distillation && spec.SandwichPaths == 0)
        {
            throw new UsageException(
                $"--distillation {distillation.ToString().ToLowerInvariant()} needs --sandwich-paths, whose widest path is the teacher.");
        }
    }

    /// <summary>The paths of a step, which is counted from 0.</summary>
    public IReadOnlyList<Architecture> At(long step)
    {
        CounterRandom random = RandomAt(step);
        if (step < WarmupSteps) return WarmingUp(random, 1 + (int)(step * (ChannelScales.Count - 1) / WarmupSteps));
        if (_window != null) return [Within(random)];
        Architecture[] drawn = Drawn(random);
        return _sandwich?.Around(drawn) ?? drawn;
    }

    private static void RequireDisjoint(int paths, SearchSpace space)
    {
        if (paths <= space.MostDisjoint) return;
        int block = Enumerable.Range(0, space.Blocks.Length).First(b => LeftOf(b) < paths);
        string what = space.Operations[block].Length < paths ? "operations" : "channel scales";
        throw new UsageException(
            $"--paths-per-step {paths}: paths of a step share nothing, and block {block} is left with {LeftOf(block)} {what}.");

        int LeftOf(int b) => Math.Min(space.Operations[b].Length, space.HasScales ? space.Scales[b].Length : int.MaxValue);
    }

    private CounterRandom RandomAt(long step) => new(_spec.Setup.Data.Seed, RandomPurpose.Paths, (ulong)step);

    // Of so many scales, from the widest on, and of any FLOPs.
    private Architecture[] WarmingUp(CounterRandom random, int scales)
    {
        Architecture[] drawn =
        [
            .. Drawn(random).Select(path => new Architecture(path.Operations, [.. path.Scales.Select((_, block) => Widest(block))])),
        ];
        return _sandwich?.Around(drawn, scales) ?? drawn;

        int Widest(int block)
        {
            ImmutableArray<int> letIn = _sampler.Costs.Space.WidestScalesOf(block, scales);
            return letIn[^(1 + random.NextInt(letIn.Length))];
        }
    }

    // Those that are random, of any FLOPs.
    private Architecture[] Drawn(CounterRandom random) =>
        _spec.PathsPerStep > 1
            ? _sampler.Disjoint(random, _spec.PathsPerStep)
            : [.. Enumerable.Range(0, Math.Max(1, _spec.SandwichPaths)).Select(_ => _sampler.Uniform(random))];

    private Architecture Within(CounterRandom random) =>
        _sampler.FromBins(random, _window!.Value.Low, _window.Value.High, _spec.FlopsBins);
}

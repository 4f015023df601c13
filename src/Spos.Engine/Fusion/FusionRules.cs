using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Ops.Convolutions;

namespace Spos.Engine.Fusion;

/// <summary>What is fused in a kind of pass. A rule is one file of this folder, and stands in a list here.</summary>
/// <param name="rules">Of those that match at a node, the first is taken.</param>
internal sealed class FusionRules(params ImmutableArray<FusionRule> rules)
{
    /// <summary>An op is a kernel, but for what has no kernels of its own, and for batch norm with ReLU.</summary>
    public static FusionRules OpByOp { get; } = new(ChannelHalves.Match, ConvolvedUnit.Match);

    private static readonly FusionRules _inference = new(NormalisedBlock.Match, NormalisedUnit.Match, ChannelHalves.Match);

    private static readonly FusionRules _training = new(ChannelHalves.Match, ConvolvedUnit.Match) { HandsOnRaw = true };

    public ImmutableArray<FusionRule> Rules { get; } = rules;

    /// <summary>Whether blocks hand on raw results where all can: no rule of one graph, and so in Supernet/FusedStages.cs.</summary>
    public bool HandsOnRaw { get; private init; }

    /// <summary>What is fused in a kind of pass under a plan.</summary>
    public static FusionRules For(BatchNormMode statistics, ConvolutionPlan plan) =>
        plan != ConvolutionPlan.Fused ? OpByOp : statistics == BatchNormMode.Running ? _inference : _training;
}

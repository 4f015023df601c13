using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>One operation of one choice block: the graph of <see cref="NetworkGraph.Block"/> with its parameters.</summary>
public sealed class Operation : IDisposable
{
    private readonly GraphModule _module;

    private readonly Operation? _widest;

    /// <param name="prefix">What its names begin with in the official checkpoints, such as "features.3.0.".</param>
    /// <param name="widest">
    /// The operation with more channels inside whose weights' leading parts are this one's; null for one with weights of its own.
    /// </param>
    public Operation(string prefix, BlockSpec block, BlockDesign design, bool affine, Operation? widest = null)
    {
        (Block, _widest) = (block, widest);
        _module = new GraphModule(NetworkGraph.Block(block, design, affine), prefix, _ => Parameters);
    }

    public BlockSpec Block { get; }

    /// <summary>What it computes with. Of another operation's weights it is a copy.</summary>
    public ParameterGroup Parameters { get; } = new();

    /// <summary>What moves when it is trained.</summary>
    public ParameterGroup Trained => _widest?.Parameters ?? Parameters;

    /// <summary>Whether its weights are part of another operation's.</summary>
    internal bool IsPart => _widest != null;

    /// <summary>What its nodes have of their own, in the order of PyTorch's state dict.</summary>
    internal IEnumerable<NodeState> States => _module.States;

    /// <summary>Brings its copy of weights that are another operation's up to date.</summary>
    internal void TakeWeights(Session session)
    {
        if (_widest == null) return;
        for (int i = 0; i < Parameters.Parameters.Count; i++)
        {
            LeadingPart.Take(session, Parameters.Parameters[i].Value, Trained.Parameters[i].Value);
        }
        Parameters.HasGradient = false;
    }

    /// <summary>Adds the gradients of such a copy to those of the weights.</summary>
    internal void GiveGradients(Session session)
    {
        if (_widest == null) return;
        // Of a weight all is moved, and what is no part has no gradient.
        if (!Trained.HasGradient) Trained.Gradients.Fill(session.Stream, 0);
        Trained.HasGradient = true;
        for (int i = 0; i < Parameters.Parameters.Count; i++)
        {
            LeadingPart.Add(session, Parameters.Parameters[i].Gradient, Trained.Parameters[i].Gradient);
        }
        Parameters.HasGradient = false;
    }

    /// <summary>Its branches, where the fused plan has kernels for it; else null, and it is run op by op.</summary>
    internal BranchedBlock? Branches => _module.Branches;

    /// <summary>Takes over <paramref name="x"/>: [N, H, W, channels of the block before].</summary>
    internal Tensor Forward(Pass pass, FusionRules rules, Tensor x) => _module.Forward(pass, rules, x);

    public void Dispose()
    {
        _module.Dispose();
        Parameters.Dispose();
    }
}

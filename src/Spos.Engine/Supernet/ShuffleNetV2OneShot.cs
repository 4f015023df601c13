using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// The ShuffleNetV2-style network of Single Path One-Shot NAS: stem, choice blocks, last convolution, global pooling,
/// dropout, classifier. As a supernet each block holds all operations of its set; as a single path just one.
/// </summary>
public sealed class ShuffleNetV2OneShot : IDisposable
{
    private readonly Operation?[][] _blocks;
    private readonly ParameterGroup _stemGroup = new();
    private readonly ParameterGroup _lastGroup = new();
    private readonly ParameterGroup _classifierGroup = new();
    private readonly GraphModule _stem, _tail;
    private readonly Dictionary<Type, IDisposable> _attachments = [];

    // Of each block: where those of its operations go whose weights are part of another's. One of them runs at a time.
    private readonly List<Tensor> _gradientsOfParts = [];

    /// <summary>The supernet of <paramref name="spec"/>, or with <paramref name="path"/> just that path.</summary>
    public ShuffleNetV2OneShot(Session session, NetworkSpec spec, Architecture? path = null)
        : this(spec, path)
    {
        foreach (ParameterGroup group in Groups) group.Allocate(session.Pool, session.Stream);
        foreach (Operation?[] block in _blocks) AllocateParts(session, [.. Parts(block).Select(operation => operation.Parameters)]);
        foreach (BatchNormLayer layer in BatchNorms) layer.Allocate(session.Pool, session.Stream);
    }

    /// <summary>The same without memory: for its names and shapes.</summary>
    internal ShuffleNetV2OneShot(NetworkSpec spec, Architecture? path)
    {
        spec.Validate();
        if (path != null && spec.Space.FaultOf(path) is { } fault) throw new ArgumentException($"the architecture {fault}.");
        Spec = spec;
        Path = path;
        _stem = new GraphModule(NetworkGraph.Stem(spec), "", _ => _stemGroup);
        _blocks = [.. spec.BlockSpecs().Select(b => CreateBlock(b, spec, path))];
        HasFusedStages = Operations.All(HasFusedKernels);
        _tail = new GraphModule(NetworkGraph.Tail(spec), "", node => node == NetworkGraph.Classifier ? _classifierGroup : _lastGroup);
    }

    public NetworkSpec Spec { get; }

    /// <summary>The one path that there is, or null for a supernet.</summary>
    public Architecture? Path { get; }

    /// <summary>Whether the fused plan has kernels for all operations, so that a stage can hand on raw results.</summary>
    internal bool HasFusedStages { get; }

    /// <summary>All parameters, from the image on.</summary>
    public IEnumerable<Parameter> Parameters => Groups.SelectMany(g => g.Parameters);

    /// <summary>All batch norms, from the image on.</summary>
    public IEnumerable<BatchNormLayer> BatchNorms => States.Select(node => node.State).OfType<BatchNormLayer>();

    /// <summary>
    /// What nodes have of their own, from the image on. Of operations whose weights are part of another's, it is batch norms alone.
    /// </summary>
    internal IEnumerable<NodeState> States =>
    [
        .. _stem.States, .. Operations.SelectMany(o => o.IsPart ? o.States.Where(node => node.State is BatchNormLayer) : o.States),
        .. _tail.States,
    ];

    /// <summary>The parameters of the last convolution and of the classifier.</summary>
    internal ParameterGroup[] TailGroups => [_lastGroup, _classifierGroup];

    /// <summary>The first layer's parameters.</summary>
    internal ParameterGroup FirstGroup => _stemGroup;

    /// <summary>The linear layer's weight.</summary>
    public Parameter Classifier => (Parameter)_tail.States.First(node => node.Name == NetworkGraph.Classifier).State;

    /// <summary>Whether it has ended: its arrays are no longer there.</summary>
    internal bool IsDisposed { get; private set; }

    private IEnumerable<Operation> Operations => _blocks.SelectMany(b => b.OfType<Operation>());

    private IEnumerable<ParameterGroup> Groups =>
        [_stemGroup, .. Operations.Where(o => !o.IsPart).Select(o => o.Parameters), _lastGroup, _classifierGroup];

    /// <summary>All parameters that are computed with: besides its own the copies that operations of fewer channels have of them.</summary>
    internal IEnumerable<Parameter> ComputedWith =>
        [.. Parameters, .. Parts(Operations).SelectMany(operation => operation.Parameters.Parameters)];

    /// <summary>One operation of one block.</summary>
    public Operation OperationAt(int block, int choice) =>
        _blocks[block][choice] ?? throw new InvalidOperationException(
            $"Block {block} of this single-path network has no {Spec.Space.Blocks[block][choice].Name}.");

    /// <summary>The operations of a block; those that a single path does not have are null.</summary>
    internal Operation?[] OperationsOf(int block) => _blocks[block];

    /// <summary>What a higher layer keeps with the network: one of its type, made when first asked for, disposed of with it.</summary>
    internal T Attachment<T>(Func<T> make)
        where T : class, IDisposable
    {
        lock (_attachments)
        {
            if (!_attachments.TryGetValue(typeof(T), out IDisposable? attachment)) _attachments[typeof(T)] = attachment = make();
            return (T)attachment;
        }
    }

    /// <summary>The parameter groups that a path uses: the only ones that move when it is trained.</summary>
    public IEnumerable<ParameterGroup> GroupsOf(Architecture path) => Enumerable.Range(0, GroupsOfPath).Select(i => GroupOf(path, i));

    /// <summary>How many groups a path uses.</summary>
    internal int GroupsOfPath => _blocks.Length + 3;

    /// <summary>One of the groups that a path uses, from the image on.</summary>
    internal ParameterGroup GroupOf(Architecture path, int index) =>
        index == 0 ? _stemGroup
        : index <= _blocks.Length ? OperationAt(index - 1, path.Blocks[index - 1]).Trained
        : index == _blocks.Length + 1 ? _lastGroup : _classifierGroup;

    /// <summary>The groups that a path uses, in the order in which its backward pass finishes their gradients.</summary>
    internal IEnumerable<ParameterGroup> FinishedBy(Architecture path) =>
        [.. TailGroups, .. Enumerable.Range(0, _blocks.Length).Reverse().Select(block => GroupOf(path, block + 1)), FirstGroup];

    /// <summary>What the nodes of a path have of their own, from the image on.</summary>
    internal IEnumerable<NodeState> StatesOf(Architecture path) =>
        [.. _stem.States, .. OperationsOf(path).SelectMany(o => o.States), .. _tail.States];

    /// <summary>The batch norms that a path uses.</summary>
    public IEnumerable<BatchNormLayer> BatchNormsOf(Architecture path) =>
        StatesOf(path).Select(node => node.State).OfType<BatchNormLayer>();

    /// <summary>How many parts a path has: the stem, its blocks and the tail.</summary>
    internal int PartsOfPath => _blocks.Length + 2;

    /// <summary>The batch norms of one part of a path, in the order of <see cref="BatchNorms"/>.</summary>
    internal IEnumerable<BatchNormLayer> BatchNormsOf(Architecture path, int part) =>
        StatesOf(path, part).Select(node => node.State).OfType<BatchNormLayer>();

    /// <summary>The weights of all pointwise convolutions, from the image on; those of fewer channels, too.</summary>
    internal IEnumerable<Tensor> PointwiseWeights =>
        PointwiseWeightsOf([.. _stem.States, .. Operations.SelectMany(o => o.States), .. _tail.States]);

    /// <summary>Those of one part of a path, in the order of <see cref="PointwiseWeights"/>.</summary>
    internal IEnumerable<Tensor> PointwiseWeightsOf(Architecture path, int part) => PointwiseWeightsOf(StatesOf(path, part));

    /// <summary>Brings the copies up to date that operations of fewer channels have of their weights, before a path runs.</summary>
    internal void TakeWeights(Session session, Architecture path)
    {
        if (!HasParts) return;
        for (int block = 0; block < _blocks.Length; block++) OperationAt(block, path.Blocks[block]).TakeWeights(session);
    }

    /// <summary>Runs one path. After its backward pass comes each of its operations' <see cref="Operation.GiveGradients"/>.</summary>
    /// <param name="images">[N, S, S, 3], normalised; the caller keeps its reference.</param>
    /// <returns>Logits [N, 1, 1, classes].</returns>
    public Tensor Forward(Pass pass, Tensor images, Architecture path)
    {
        if (images.Shape.H != Spec.ImageSize || images.Shape.W != Spec.ImageSize)
        {
            throw new ArgumentException($"The network takes images of {Spec.ImageSize}×{Spec.ImageSize}, got {images.Shape}.");
        }
        RequireLength(path);
        Require(pass.Session);
        var rules = FusionRules.For(pass.BatchNorm, ConvolutionPlanner.Of(pass.Session).Plan, pass.Session.Precision);
        TakeWeights(pass.Session, path);
        using FoldedBatchNorms.Values? folded = pass.BatchNorm == BatchNormMode.Running
            ? FoldedBatchNorms.Begin(pass.Session, BatchNormsOf(path))
            : null;
        using IDisposable? packed = pass.BatchNorm == BatchNormMode.Running
            ? PackedWeights.Begin(pass.Session, PointwiseWeightsOf(StatesOf(path))).Pass
            : null;
        Tensor x = Stem(pass, rules, images);
        Operation[] operations = [.. OperationsOf(path)];
        if (rules.HandsOnRaw && HasFusedStages) x = FusedPath.Forward(pass, operations, Spec.StageRepeats, x);
        else foreach (Operation operation in operations) x = operation.Forward(pass, rules, x);
        return Tail(pass, rules, x);
    }

    /// <summary>Refuses a path of another length.</summary>
    /// <exception cref="ArgumentException">It has another number of blocks.</exception>
    internal void RequireLength(Architecture path)
    {
        if (path.Blocks.Length == _blocks.Length) return;
        throw new ArgumentException($"The architecture has {path.Blocks.Length} blocks; the network has {_blocks.Length}.");
    }

    /// <summary>Refuses a precision that some of a network's blocks, or so wide a last convolution, have no kernels for.</summary>
    /// <param name="path">As the constructor takes it.</param>
    /// <exception cref="LimitException">They have none; the message names the option.</exception>
    public static void Require(Precision precision, NetworkSpec spec, Architecture? path = null)
    {
        if (precision == Precision.Fp32) return;
        using var network = new ShuffleNetV2OneShot(spec, path);
        network.Require(precision);
    }

    /// <summary>The same of this network, where the session's plan is the one that computes in a precision.</summary>
    internal void Require(Session session)
    {
        if (ConvolutionPlanner.Of(session).Plan == ConvolutionPlan.Fused) Require(session.Precision);
    }

    private void Require(Precision precision)
    {
        if (precision == Precision.Fp32) return;
        if (HasFusedStages)
        {
            if (Spec.LastChannels <= FusedConvolution.MostTerms) return;
            throw new LimitException(
                $"--precision bf16: products of bf16 take {FusedConvolution.MostTerms} channels, and the last convolution of this network "
                + $"has {Spec.LastChannels}. Use --precision fp32.");
        }
        Operation lacking = Operations.First(operation => !HasFusedKernels(operation));
        int block = lacking.Block.Index;
        string name = Spec.Space.Blocks[block][Array.IndexOf(_blocks[block], lacking)].Name;
        throw new LimitException(
            $"--precision bf16: block {block} of this network is or can be {name}, which has no kernels of bf16. Use --precision fp32.");
    }

    /// <summary>Makes of pictures what the first block takes.</summary>
    internal Tensor Stem(Pass pass, FusionRules rules, Tensor images) => _stem.Forward(pass, rules, images.Retain());

    /// <summary>Takes over what the last block has made, and makes the logits of it.</summary>
    internal Tensor Tail(Pass pass, FusionRules rules, Tensor x) => _tail.Forward(pass, rules, x);

    public void Dispose()
    {
        IsDisposed = true;
        foreach (IDisposable attachment in _attachments.Values) attachment.Dispose();
        foreach (Operation operation in Operations) operation.Dispose();
        foreach (Tensor gradients in _gradientsOfParts) gradients.Dispose();
        _stem.Dispose();
        _tail.Dispose();
        _stemGroup.Dispose();
        _lastGroup.Dispose();
        _classifierGroup.Dispose();
    }

    private IEnumerable<NodeState> StatesOf(Architecture path, int part) =>
        part == 0 ? _stem.States
        : part <= _blocks.Length ? OperationAt(part - 1, path.Blocks[part - 1]).States
        : _tail.States;

    private static IEnumerable<Tensor> PointwiseWeightsOf(IEnumerable<NodeState> states) =>
        states.Where(node => node.Op is ConvolutionOp { Kind: ConvolutionKind.Pointwise }).Select(node => ((Parameter)node.State).Value);

    private IEnumerable<Operation> OperationsOf(Architecture path) =>
        path.Blocks.Select((choice, block) => OperationAt(block, choice));

    private static bool HasFusedKernels(Operation operation) =>
        operation.Branches is { } branches && branches.Projection.Count > 0 == (operation.Block.Stride == 2);

    // Whether operations of fewer channels share weights.
    private bool HasParts => Path == null && Spec.BlockSet.HasScales;

    private static IEnumerable<Operation> Parts(IEnumerable<Operation?> operations) =>
        operations.OfType<Operation>().Where(operation => operation.IsPart);

    private void AllocateParts(Session session, IReadOnlyList<ParameterGroup> parts)
    {
        if (parts.Count == 0) return;
        Tensor gradients = ParameterGroup.NewArray(session.Pool, session.Stream, parts.Max(part => part.Measure()));
        _gradientsOfParts.Add(gradients);
        foreach (ParameterGroup part in parts) part.AllocateWithoutMomenta(session.Pool, session.Stream, gradients);
    }

    private static Operation?[] CreateBlock(BlockSpec block, NetworkSpec spec, Architecture? path)
    {
        ImmutableArray<BlockDesign> designs = spec.BlockSet.DesignsOf(block);
        var operations = new Operation?[designs.Length];
        // From the last on, so that the widest of several that share weights is there first.
        for (int choice = designs.Length - 1; choice >= 0; choice--)
        {
            if (path != null)
            {
                if (path.Blocks[block.Index] == choice) operations[choice] = Alone(NetworkGraph.PrefixOf(block.Index, null), choice);
            }
            else if (designs[choice].Scale is { } scale)
            {
                int operation = choice / ChannelScales.Count;
                Operation? widest = operations[Architecture.ChoiceOf(operation, ChannelScales.Widest)];
                string prefix = NetworkGraph.PrefixOf(block.Index, operation, scale);
                operations[choice] = new Operation(prefix, block, designs[choice], spec.Affine, widest);
            }
            else operations[choice] = Alone(NetworkGraph.PrefixOf(block.Index, choice), choice);
        }
        return operations;

        Operation Alone(string prefix, int choice) => new(prefix, block, designs[choice], spec.Affine);
    }
}

using Spos.Engine.Graphs;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Ops.Convolutions;
using Spos.Space;

namespace Spos.Engine.Supernet;

/// <summary>
/// The ShuffleNetV2-style network of Single Path One-Shot NAS as graphs: the stem, each operation of each choice block, and the tail. This
/// is where it is described; all else is read off it.
/// </summary>
public static class NetworkGraph
{
    /// <summary>The names of the parts, under which the official checkpoints have the tensors of a part.</summary>
    public const string Main = "branch_main", Projection = "branch_proj", StemName = "first_conv", LastName = "conv_last";

    /// <summary>The name of a squeeze-and-excitation's convolutions, within its branch and place.</summary>
    public const string Squeeze = "SE_opr";

    /// <summary>The name of the linear layer.</summary>
    public const string Classifier = "classifier.0";

    /// <summary>The names of the parts of ShuffleNetV2+'s last stage: squeeze-and-excitation, and a linear layer.</summary>
    public const string LastExcitation = "LastSE", LastLinear = "fc";

    /// <summary>What goes into the network.</summary>
    public static FeatureShape ImagesOf(NetworkSpec spec) => new(3, spec.ImageSize, spec.ImageSize);

    /// <summary>What goes into a block: all channels of the one before.</summary>
    public static FeatureShape InputOf(BlockSpec block) => new(block.Stride == 1 ? 2 * block.Input : block.Input, block.Size, block.Size);

    /// <summary>What goes into the tail.</summary>
    public static FeatureShape TailInputOf(NetworkSpec spec) => new(spec.StageChannels[^1], spec.ImageSize / 32, spec.ImageSize / 32);

    /// <summary>The first convolution.</summary>
    public static Graph Stem(NetworkSpec spec)
    {
        var graph = new GraphBuilder();
        new Branch(graph, StemName, GraphBuilder.Input, spec.Affine, spec.BlockSet.IsPublishedPlus).Convolution(
            new ConvolutionOp(3, spec.StemChannels, 3, 2, 1), activate: true);
        return graph.Build();
    }

    /// <summary>
    /// One operation of a choice block: a main branch, and at stride 2 a projection branch. At stride 1 the even channels pass by (channel
    /// shuffle). The results are concatenated, the passed or projected channels first.
    /// </summary>
    public static Graph Block(BlockSpec block, BlockDesign design, bool affine)
    {
        var graph = new GraphBuilder();
        int passed, main = GraphBuilder.Input;
        if (block.Stride == 1)
        {
            passed = graph.Add(new EverySecondChannelOp(0), GraphBuilder.Input);
            main = graph.Add(new EverySecondChannelOp(1), GraphBuilder.Input);
        }
        else
        {
            passed = new Branch(graph, Projection, GraphBuilder.Input, affine, design.Swishes)
                .Depthwise(block.Input, design.Kernel, block.Stride).Pointwise(block.Input, block.Input).Result;
        }
        var branch = new Branch(graph, Main, main, affine, design.Swishes);
        int middle = design.MiddleOf(block);
        if (design.IsXception)
        {
            branch.Depthwise(block.Input, design.Kernel, block.Stride).Pointwise(block.Input, middle)
                .Depthwise(middle, design.Kernel, 1).Pointwise(middle, middle)
                .Depthwise(middle, design.Kernel, 1).Pointwise(middle, block.MainOutput);
        }
        else
        {
            branch.Pointwise(block.Input, middle)
                .Depthwise(middle, design.Kernel, block.Stride).Pointwise(middle, block.MainOutput);
        }
        if (design.Excites) branch.SqueezeAndExcite(block.MainOutput);
        graph.Add(new ConcatOp(), passed, branch.Result);
        return graph.Build();
    }

    /// <summary>
    /// The last convolution, pooling, dropout and the classifier. In ShuffleNetV2+ squeeze-and-excitation and a linear layer with hard
    /// swish stand behind the pooling, so that they work on one pixel (megvii-model/ShuffleNet-Series, ShuffleNetV2+/network.py).
    /// </summary>
    public static Graph Tail(NetworkSpec spec)
    {
        var graph = new GraphBuilder();
        (int channels, bool isPlus) = (spec.LastChannels, spec.BlockSet.IsPublishedPlus);
        var last = new Branch(graph, LastName, GraphBuilder.Input, spec.Affine, isPlus);
        int pooled = graph.Add(new GlobalAveragePoolOp(KeepsPixel: isPlus), last.Pointwise(spec.StageChannels[^1], channels).Result);
        if (isPlus)
        {
            int excited = SqueezeAndExcite(graph, LastExcitation, pooled, channels, spec.Affine);
            int linear = graph.Add($"{LastLinear}.0", new LinearOp(channels, channels), graph.Add(new FlattenOp(), excited));
            pooled = graph.Add($"{LastLinear}.1", new HardSwishOp(), linear);
        }
        int features = graph.Add("dropout", new DropoutOp(spec.Dropout), pooled);
        graph.Add(Classifier, new LinearOp(spec.LastChannels, spec.Classes), features);
        return graph.Build();
    }

    /// <summary>What the names of a block's graph follow in the official checkpoints.</summary>
    /// <param name="choice">Which design of the block, in a supernet; null in a single path, which has one.</param>
    public static string PrefixOf(int block, int? choice) => choice is { } one ? $"features.{block}.{one}." : $"features.{block}.";

    /// <summary>
    /// The same in a supernet with channel scales. The weights of an operation are those of its widest scale; of the others, whose weights
    /// are parts of those, batch norms' statistics alone are kept.
    /// </summary>
    public static string PrefixOf(int block, int operation, int scale) =>
        PrefixOf(block, operation) + (scale == ChannelScales.Widest ? "" : $"x{ChannelScales.NameOf(scale)}.");

    /// <summary>The parts of a single path one after the other, and what their names follow in the official checkpoints.</summary>
    public static IEnumerable<(string Prefix, Graph Graph)> PartsOf(NetworkSpec spec, Architecture path) =>
    [
        ("", Stem(spec)),
        .. spec.BlockSpecs().Select(block =>
            (PrefixOf(block.Index, null), Block(block, spec.BlockSet.DesignsOf(block)[path.Blocks[block.Index]], spec.Affine))),
        ("", Tail(spec)),
    ];

    /// <summary>What paths cost: the stem and the tail, which all have, and each design of each block.</summary>
    /// <param name="costOf">Of a graph and what goes into it.</param>
    internal static CostTable CostsOf(NetworkSpec spec, Func<Graph, FeatureShape, long> costOf, CostMeasure measure) => new(
        spec.Space, costOf(Stem(spec), ImagesOf(spec)) + costOf(Tail(spec), TailInputOf(spec)),
        spec.BlockSpecs().Select(block =>
            spec.BlockSet.DesignsOf(block).Select(design => costOf(Block(block, design, spec.Affine), InputOf(block)))),
        measure);

    // Each image's channels are scaled by what two convolutions make of their means (arXiv 1709.01507, figure 2; here with batch norm
    // and a hard sigmoid).
    private static int SqueezeAndExcite(GraphBuilder graph, string module, int values, int channels, bool affine)
    {
        int squeezed = Math.Max(channels / 4, 1);
        var gate = new Branch(graph, $"{module}.{Squeeze}", values, affine);
        gate.Add(new GlobalAveragePoolOp(KeepsPixel: true));
        gate.Pointwise(channels, squeezed).Add(ConvolutionOp.Pointwise(squeezed, channels));
        gate.Add(new HardSigmoidOp());
        return graph.Add(module, new ChannelScaleOp(), values, gate.Result);
    }

    // Convolutions one after the other, each with its batch norm and perhaps an activation: ReLU, or hard swish (`swishes`). They are
    // counted as the official nn.Sequential does.
    private sealed class Branch(GraphBuilder graph, string name, int input, bool affine, bool swishes = false)
    {
        private int _layer;

        public int Result { get; private set; } = input;

        public Branch Pointwise(int inputs, int outputs) => Convolution(ConvolutionOp.Pointwise(inputs, outputs), activate: true);

        public Branch Depthwise(int channels, int kernel, int stride) =>
            Convolution(ConvolutionOp.Depthwise(channels, kernel, stride), activate: false);

        public Branch Convolution(ConvolutionOp convolution, bool activate)
        {
            Add(convolution);
            Add(new BatchNormOp(convolution.Outputs, affine, BatchNormLayer.Epsilon));
            if (activate) Add(swishes ? new HardSwishOp() : new ReluOp());
            return this;
        }

        // The module of the official code stands at one place of the sequence.
        public Branch SqueezeAndExcite(int channels)
        {
            Result = NetworkGraph.SqueezeAndExcite(graph, $"{name}.{_layer++}", Result, channels, affine);
            return this;
        }

        public void Add(GraphOp op) => Result = graph.Add($"{name}.{_layer++}", op, Result);
    }
}

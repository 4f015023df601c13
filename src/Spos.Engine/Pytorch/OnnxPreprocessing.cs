using Spos.Engine.Graphs;

namespace Spos.Engine.Pytorch;

/// <summary>
/// The preprocessing of validation as nodes of an ONNX graph: from pictures [batch, height, width, 3] of bytes, red first, to
/// [batch, 3, S, S]. The shorter side is resized, the middle is cut out, and levels are normalised.
/// </summary>
internal static class OnnxPreprocessing
{
    // Pillow's weights have 22 bits.
    private const int WeightOne = 1 << 22;

    // OpenCV's weights have 11 bits. It drops 4 bits of a row's sum, then 16 of a column's, which leaves 2.
    private const int FixedOne = 1 << 11, RowShift = 1 << 4, ColumnShift = 1 << 16, LastHalf = 2, LastShift = 4;

    private const int Channels = 1, Rows = 2, Columns = 3;

    /// <summary>Adds the nodes and returns the name of their result.</summary>
    /// <param name="record">How pictures are fed; its resized side is known.</param>
    public static string Add(OnnxGraph graph, string pictures, ExportRecord record)
    {
        int side = record.ResizedSide ?? throw new ArgumentException("Nobody says to what size pictures are resized.");
        var nodes = new Nodes(graph);
        string planes = nodes.Add("Transpose", [pictures], OnnxGraph.Attribute("perm", [0, 3, 1, 2]));
        string sizes = nodes.Slice(nodes.Add("Shape", [planes]), Rows, Columns + 1);
        string shorter = nodes.Add("ReduceMin", [sizes], OnnxGraph.Attribute("keepdims", 1));
        string levels = record.OfficialPreprocessing
            ? ResizedAsOpenCv(nodes, planes, sizes, shorter, side, record.ImageSize)
            : ResizedAsPillow(nodes, planes, sizes, shorter, side, record.ImageSize);
        return Normalised(nodes, levels, record);
    }

    // torchvision's Resize and CenterCrop over Pillow, as kernels image_filter_taps and image_resize have it: the longer side is rounded
    // down, and a triangle as wide as the scale is brought to whole weights. ONNX's own Resize antialiases, but not to the same levels.
    private static string ResizedAsPillow(Nodes nodes, string planes, string sizes, string shorter, int side, int size)
    {
        string resized = nodes.Add("Div", [nodes.Add("Mul", [sizes, nodes.Whole(side)]), shorter]);
        string first = FirstOf(nodes, resized, size);
        string scale = nodes.Add("Div", [nodes.To(OnnxGraph.Double, sizes), nodes.To(OnnxGraph.Double, resized)]);
        Filter down = FilterOf(nodes, sizes, first, scale, 0, size), across = FilterOf(nodes, sizes, first, scale, 1, size);
        string Sum(string levels, Filter filter, string weights, int axis)
        {
            // The taps are an axis behind that of the results.
            string taps = nodes.To(OnnxGraph.Int32, nodes.Gather(levels, filter.Taps, axis));
            string sum = nodes.Add(
                "ReduceSum", [nodes.Add("Mul", [taps, weights]), nodes.Whole(axis + 1)], OnnxGraph.Attribute("keepdims", 0));
            return nodes.Add("Div", [nodes.Add("Add", [sum, nodes.Narrow(WeightOne / 2)]), nodes.Narrow(WeightOne)]);
        }

        string narrow = Sum(planes, across, across.Weights, Columns);
        string weightsDown = nodes.Add("Unsqueeze", [down.Weights, nodes.Whole(2)]);
        return nodes.To(OnnxGraph.Float, Sum(narrow, down, weightsDown, Rows));
    }

    // Of each row or column of the result all that any of them needs: those beyond its own have weights of 0.
    private static Filter FilterOf(Nodes nodes, string sizes, string first, string scale, int axis, int size)
    {
        string source = nodes.Slice(sizes, axis, axis + 1), step = nodes.Slice(scale, axis, axis + 1);
        string reach = nodes.Add("Max", [step, nodes.Real(1)]), inverse = nodes.Add("Div", [nodes.Real(1), reach]);
        string centre = CentresOf(nodes, first, step, axis, size);
        string End(string edge) => nodes.To(OnnxGraph.Int64, nodes.Add("Add", [edge, nodes.Real(0.5)]));
        string begin = nodes.Add("Max", [End(nodes.Add("Sub", [centre, reach])), nodes.Whole(0)]);
        string end = nodes.Add("Min", [End(nodes.Add("Add", [centre, reach])), source]);
        string most = nodes.Add("ReduceMax", [nodes.Add("Sub", [end, begin])], OnnxGraph.Attribute("keepdims", 0));
        string tap = nodes.Graph.Scalar("preprocessing.tap", 0), next = nodes.Graph.Scalar("preprocessing.next", 1);
        string Column(string row) => nodes.Add("Unsqueeze", [row, nodes.Whole(1)]);
        string taps = nodes.Add("Add", [Column(begin), nodes.Add("Range", [tap, most, next])]);
        string offset = nodes.Add("Sub", [nodes.To(OnnxGraph.Double, taps), Column(centre)]);
        string distance = nodes.Add("Abs", [nodes.Add("Mul", [nodes.Add("Add", [offset, nodes.Real(0.5)]), inverse])]);
        string height = nodes.Add("Max", [nodes.Add("Sub", [nodes.Real(1), distance]), nodes.Real(0)]);
        string own = nodes.Add("Mul", [height, nodes.To(OnnxGraph.Double, nodes.Add("Less", [taps, Column(end)]))]);
        string sum = nodes.Add("ReduceSum", [own, nodes.Whole(1)], OnnxGraph.Attribute("keepdims", 1));
        string weights = nodes.Add("Mul", [nodes.Add("Div", [own, sum]), nodes.Real(WeightOne)]);
        return new Filter(
            nodes.Add("Min", [taps, nodes.Add("Sub", [source, nodes.Whole(1)])]),
            nodes.To(OnnxGraph.Int32, nodes.Add("Add", [weights, nodes.Real(0.5)])));
    }

    // cv::resize of bytes by INTER_LINEAR, as kernel image_resize_fixed has it: two taps an axis, in whole numbers.
    private static string ResizedAsOpenCv(Nodes nodes, string planes, string sizes, string shorter, int side, int size)
    {
        string source = nodes.To(OnnxGraph.Double, sizes);
        string factor = nodes.Add("Div", [nodes.Real(side), nodes.To(OnnxGraph.Double, shorter)]);
        string resized = nodes.To(
            OnnxGraph.Int64, nodes.Add("Add", [nodes.Add("Mul", [factor, source]), nodes.Real(0.5)]));
        string first = FirstOf(nodes, resized, size);
        string scale = nodes.Add("Div", [nodes.Real(1), nodes.Add("Div", [nodes.To(OnnxGraph.Double, resized), source])]);
        Taps down = TapsOf(nodes, sizes, first, scale, 0, size), across = TapsOf(nodes, sizes, first, scale, 1, size);
        string column = nodes.Graph.Constant<long>("preprocessing.column", OnnxGraph.Int64, -1, 1);
        string Row(string rows)
        {
            string picked = nodes.Gather(planes, rows, Rows);
            string left = nodes.To(OnnxGraph.Int32, nodes.Gather(picked, across.First, Columns));
            string right = nodes.To(OnnxGraph.Int32, nodes.Gather(picked, across.Second, Columns));
            string sum = nodes.Add(
                "Add", [nodes.Add("Mul", [left, across.WeightOfFirst]), nodes.Add("Mul", [right, across.WeightOfSecond])]);
            return nodes.Add("Div", [sum, nodes.Narrow(RowShift)]);
        }

        string Weighted(string row, string weight) => nodes.Add(
            "Div", [nodes.Add("Mul", [row, nodes.Add("Reshape", [weight, column])]), nodes.Narrow(ColumnShift)]);
        string both = nodes.Add(
            "Add", [Weighted(Row(down.First), down.WeightOfFirst), Weighted(Row(down.Second), down.WeightOfSecond)]);
        string rounded = nodes.Add("Div", [nodes.Add("Add", [both, nodes.Narrow(LastHalf)]), nodes.Narrow(LastShift)]);
        return nodes.To(OnnxGraph.Float, rounded);
    }

    // Of each row or column of the result.
    private static Taps TapsOf(Nodes nodes, string sizes, string first, string scale, int axis, int size)
    {
        string Of(string both) => nodes.Slice(both, axis, axis + 1);
        string centre = CentresOf(nodes, first, Of(scale), axis, size);
        string at = nodes.To(OnnxGraph.Float, nodes.Add("Sub", [centre, nodes.Real(0.5)]));
        string below = nodes.Add("Floor", [at]), part = nodes.Add("Sub", [at, below]);
        string sample = nodes.To(OnnxGraph.Int64, below);
        string last = nodes.Add("Sub", [Of(sizes), nodes.Whole(1)]);
        string Within(string tap) => nodes.Add("Min", [nodes.Add("Max", [tap, nodes.Whole(0)]), last]);
        string Weight(string share) =>
            nodes.To(OnnxGraph.Int32, nodes.Add("Round", [nodes.Add("Mul", [share, nodes.Single(FixedOne)])]));
        return new Taps(
            Within(sample), Within(nodes.Add("Add", [sample, nodes.Whole(1)])),
            Weight(nodes.Add("Sub", [nodes.Single(1), part])), Weight(part));
    }

    // Where the middles of the result's rows or columns lie in the picture: (place + 0.5) * scale.
    private static string CentresOf(Nodes nodes, string first, string scale, int axis, int size)
    {
        string places = nodes.Graph.Constant<long>(
            "preprocessing.places", OnnxGraph.Int64, [.. Enumerable.Range(0, size).Select(i => (long)i)]);
        string place = nodes.To(OnnxGraph.Double, nodes.Add("Add", [places, nodes.Slice(first, axis, axis + 1)]));
        return nodes.Add("Mul", [nodes.Add("Add", [place, nodes.Real(0.5)]), scale]);
    }

    // Where the middle begins in the resized picture, rounded half to even as Python rounds.
    private static string FirstOf(Nodes nodes, string resized, int size)
    {
        string rest = nodes.To(OnnxGraph.Float, nodes.Add("Sub", [resized, nodes.Whole(size)]));
        return nodes.To(OnnxGraph.Int64, nodes.Add("Round", [nodes.Add("Mul", [rest, nodes.Single(0.5f)])]));
    }

    private static string Normalised(Nodes nodes, string levels, ExportRecord record)
    {
        if (record.OfficialPreprocessing)
        {
            return nodes.Gather(levels, nodes.Graph.Constant<long>("preprocessing.blue_first", OnnxGraph.Int64, 2, 1, 0), Channels);
        }
        string Each(string name, IReadOnlyList<float> values) =>
            nodes.Graph.Weight($"preprocessing.{name}", [3, 1, 1], [.. values]);
        string share = nodes.Add("Div", [levels, nodes.Single(byte.MaxValue)]);
        return nodes.Add("Div", [nodes.Add("Sub", [share, Each("mean", record.Mean)]), Each("std", record.Deviation)]);
    }

    // The pixels that a row or column of the result may be made of [S, taps], and their weights, likewise.
    private sealed record Filter(string Taps, string Weights);

    // The samples that a row or column of the result is made of, and their weights.
    private sealed record Taps(string First, string Second, string WeightOfFirst, string WeightOfSecond);

    // Nodes with what they take, each number once.
    private sealed class Nodes(OnnxGraph graph)
    {
        public OnnxGraph Graph => graph;

        public string Add(string type, string[] inputs, params byte[][] attributes) => graph.Node(type, inputs, null, attributes);

        public string To(int type, string value) => Add("Cast", [value], OnnxGraph.Attribute("to", type));

        public string Gather(string value, string places, int axis) =>
            Add("Gather", [value, places], OnnxGraph.Attribute("axis", axis));

        public string Slice(string list, int first, int end) => Add("Slice", [list, Whole(first), Whole(end)]);

        public string Whole(long value) => graph.Constant(FormattableString.Invariant($"preprocessing.whole.{value}"), value);

        public string Narrow(int value) =>
            graph.Constant<int>(FormattableString.Invariant($"preprocessing.narrow.{value}"), OnnxGraph.Int32, value);

        public string Single(float value) =>
            graph.Constant<float>(FormattableString.Invariant($"preprocessing.single.{value}"), OnnxGraph.Float, value);

        public string Real(double value) =>
            graph.Constant<double>(FormattableString.Invariant($"preprocessing.real.{value}"), OnnxGraph.Double, value);
    }
}

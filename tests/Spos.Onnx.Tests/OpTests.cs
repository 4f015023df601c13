using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Graphs;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Tensor = Spos.Engine.Tensors.Tensor;

namespace Spos.Onnx.Tests;

/// <summary>Ops without a network, as nodes that ONNX Runtime runs.</summary>
public sealed class OpTests
{
    [Fact]
    public void Squeeze_and_excitation_is_the_same_in_onnx()
    {
        const int n = 2, h = 4, w = 5, channels = 3;
        GraphOp pool = new GlobalAveragePoolOp(KeepsPixel: true), sigmoid = new HardSigmoidOp(), scale = new ChannelScaleOp();
        GraphOp swish = new HardSwishOp();
        // Each image's channels have a mean of their own, from -8 to 8: the hard functions are met on all of their pieces.
        float MeanOf(int i) => 3.2f * (i / (h * w * channels) * channels + i % channels) - 8;
        float[] xs = [.. Enumerable.Range(0, n * h * w * channels).Select(i => MeanOf(i) + (float)Math.Sin(1.7 * i))];
        float[] expected;
        using (var session = new Session(Device.Host))
        {
            var pass = Pass.Inference(session);
            using Tensor x = session.Rent(new Shape(n, h, w, channels));
            x.Upload(session.Stream, xs);
            using Tensor means = pool.Run(pass, [x], null), factors = sigmoid.Run(pass, [means], null);
            using Tensor scaled = scale.Run(pass, [x, factors], null), y = swish.Run(pass, [scaled], null);
            expected = y.Download(session.Stream);
        }

        var graph = new OnnxGraph();
        string Node(GraphOp op, string? output, params string[] inputs) =>
            op.ToOnnx(graph, op.GetType().Name, inputs, _ => throw new InvalidOperationException("None has tensors."), output);
        Node(swish, "y", Node(scale, null, "x", Node(sigmoid, null, Node(pool, null, "x"))));
        string[] sizes = ["batch", $"{channels}", $"{h}", $"{w}"];
        byte[] model = ProtocolMessage.Of(m =>
        {
            m.Int(1, 8);
            m.Message(7, graph.Build("ops", OnnxGraph.Value("x", OnnxGraph.Float, sizes), OnnxGraph.Value("y", OnnxGraph.Float, sizes)));
            m.Message(8, ProtocolMessage.Of(o => o.Int(2, 17)));
        });
        using var runtime = new InferenceSession(model);
        var input = new DenseTensor<float>([n, channels, h, w]);
        int[] PlaceOf(int i) => [i / channels / w / h, i % channels, i / channels / w % h, i / channels % w];
        for (int i = 0; i < xs.Length; i++) input[PlaceOf(i)] = xs[i];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = runtime.Run([NamedOnnxValue.CreateFromTensor("x", input)]);
        Tensor<float> result = outputs.Single().AsTensor<float>();
        Assert.Contains(expected, v => v == 0);
        Assert.Contains(expected, v => v > 3);
        // Sums of 20 values up to 9 and a few products, each rounded.
        for (int i = 0; i < expected.Length; i++) Assert.InRange(result[PlaceOf(i)] - expected[i], -2e-5, 2e-5);
    }
}

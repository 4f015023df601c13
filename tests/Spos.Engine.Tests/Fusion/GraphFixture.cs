using Spos.Engine.Autograd;
using Spos.Engine.Fusion;
using Spos.Engine.Graphs;
using Spos.Engine.Kernels;
using Spos.Engine.Nn;
using Spos.Engine.Plans;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Ops;

namespace Spos.Engine.Tests.Fusion;

/// <summary>A graph with random weights and statistics, to be run by several lists of rules.</summary>
internal sealed class GraphFixture : IDisposable
{
    private readonly OpFixture _fixture;
    private readonly ParameterGroup _group;
    private Tensor _x;

    public GraphFixture(string device, GraphBuilder builder, Shape input)
    {
        _fixture = new OpFixture(device);
        _group = _fixture.Own(new ParameterGroup());
        Graph graph = builder.Build();
        object?[] states = [.. graph.Nodes.Select(node => node.Op.NewState(node.Name, _group))];
        Graph = new StatefulGraph(graph, states);
        _group.Allocate(Session.Pool, Session.Stream);
        foreach (Parameter parameter in _group.Parameters) Fill(parameter.Value);
        foreach (BatchNormLayer layer in states.OfType<BatchNormLayer>())
        {
            _fixture.Own(layer).Allocate(Session.Pool, Session.Stream);
            Fill(layer.RunningMean);
            layer.RunningVariance.Upload(Session.Stream, [.. _fixture.Values(layer.Channels).Select(v => 0.5f + (v * v))]);
        }
        _x = _fixture.Tensor(input, _fixture.Values(input.Count));
    }

    public StatefulGraph Graph { get; }

    public float[] X => _x.Download(Session.Stream);

    public Session Session => _fixture.Session;

    /// <summary>From here on infers in bf16, of the same input rounded to it.</summary>
    public void RoundToBf16()
    {
        Session.Precision = Precision.Bf16;
        _x = _fixture.Tensor(_x.Shape, X, ElementType.BFloat16);
    }

    /// <summary>The result, by running statistics.</summary>
    public float[] Infer(FusionRules rules)
    {
        using Tensor y = new GraphSteps(Graph, rules).Run(Pass.Inference(Session), _x.Retain());
        return _fixture.Download(y);
    }

    /// <summary>The kernels that inference launches, by name.</summary>
    public string[] Launches(FusionRules rules)
    {
        using var recording = new Recording(Session);
        SegmentNotes notes = recording.Record(
            () => new GraphSteps(Graph, rules).Run(Pass.Inference(Session), _x.Retain()).Dispose());
        return [.. from e in notes.Events where e.Kind == EventKind.Launch select KernelCatalogue.Entries[e.Subject].Name];
    }

    /// <summary>By the batch's statistics: the result without a tape and with one, and the gradients of input and parameters.</summary>
    public float[][] Train(FusionRules rules)
    {
        var steps = new GraphSteps(Graph, rules);
        using Tensor recalibrated = steps.Run(Pass.Recalibration(Session), _x.Retain());
        var tape = new Tape();
        using Tensor y = steps.Run(Pass.Training(Session, tape), _x.Retain());
        Tensor dy = Session.Rent(y.Shape);
        dy.Upload(Session.Stream, [.. Enumerable.Range(0, (int)y.Shape.Count).Select(i => MathF.Sin(i))]);
        using Tensor dx = tape.Backward(Session, y, dy, _x)!.Value;
        _group.ClearGradients();
        return
        [
            recalibrated.Download(Session.Stream), y.Download(Session.Stream), dx.Download(Session.Stream),
            .. _group.Parameters.Select(parameter => parameter.Gradient.Download(Session.Stream)),
        ];
    }

    public void Dispose() => _fixture.Dispose();

    private void Fill(Tensor tensor) => tensor.Upload(Session.Stream, _fixture.Values(tensor.Shape.Count));
}

using System.Diagnostics;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>What computes convolutions, and what is computed together with them.</summary>
public enum ConvolutionPlan
{
    /// <summary>The hand-written kernels; in inference with batch norm and ReLU in them, to the same bits.</summary>
    Fused,

    /// <summary>The hand-written kernels, one an op.</summary>
    Unfused,

    /// <summary>
    /// cuDNN, where it has a deterministic algorithm, else the hand-written kernels; on the CPU oneDNN, behind the same interface.
    /// </summary>
    Cudnn,

    /// <summary>
    /// For each pass and shape the faster one, as measured on this device the first time and kept on disk. Results may differ
    /// by rounding from those of a machine whose measurements came out otherwise.
    /// </summary>
    Auto,
}

/// <summary>Chooses what computes each pass of each convolution of a session.</summary>
public sealed class ConvolutionPlanner : IDisposable
{
    private const int Warmup = 2, Runs = 5;

    private readonly Session _session;
    private readonly bool _keeps;
    private readonly OwnConvolutions _own;
    private readonly Lazy<CudnnConvolutions> _cudnn;
    private readonly Lazy<PlanCache> _cache;
    private readonly Dictionary<(ConvolutionShape Shape, ConvolutionPass Pass, bool Measures), IConvolutionEngine> _chosen = [];

    /// <param name="cacheFolder">Where choices are kept; by default in the user's cache folder.</param>
    /// <param name="cudnn">By default the device's.</param>
    /// <param name="keeps">Whether what cuDNN lacks is kept there: not what it lacks where nothing is computed.</param>
    internal ConvolutionPlanner(Session session, string? cacheFolder = null, Cudnn? cudnn = null, bool keeps = true)
    {
        (_session, _keeps) = (session, keeps);
        _own = new OwnConvolutions(session);
        _cudnn = new Lazy<CudnnConvolutions>(() => new CudnnConvolutions(session, cudnn));
        _cache = new Lazy<PlanCache>(() => new PlanCache(cacheFolder ?? PlanCache.FolderOfUser, PlanCache.Describe(session.Device)));
    }

    /// <summary>The session's planner.</summary>
    public static ConvolutionPlanner Of(Session session) => session.Attachment(s => new ConvolutionPlanner(s, keeps: !s.Device.IsDry));

    /// <summary>How to choose.</summary>
    public ConvolutionPlan Plan { get; set; }

    internal IConvolutionEngine EngineFor(in ConvolutionShape shape, ConvolutionPass pass) => Plan switch
    {
        ConvolutionPlan.Fused or ConvolutionPlan.Unfused => _own,
        ConvolutionPlan.Cudnn => Remembered(shape, pass, measures: false),
        _ => Remembered(shape, pass, measures: true),
    };

    public void Dispose()
    {
        if (_cudnn.IsValueCreated) _cudnn.Value.Dispose();
    }

    private IConvolutionEngine Remembered(in ConvolutionShape shape, ConvolutionPass pass, bool measures)
    {
        if (_chosen.TryGetValue((shape, pass, measures), out IConvolutionEngine? engine)) return engine;
        return _chosen[(shape, pass, measures)] = measures ? Fastest(shape, pass) : CudnnOrOwn(shape, pass);
    }

    private IConvolutionEngine CudnnOrOwn(in ConvolutionShape shape, ConvolutionPass pass)
    {
        if (_cudnn.Value.WhyNot(shape, pass) is not { } reason) return _cudnn.Value;
        if (_keeps) _cache.Value.SetLack($"{pass} of {shape}", reason);
        return _own;
    }

    private IConvolutionEngine Fastest(in ConvolutionShape shape, ConvolutionPass pass)
    {
        PlanCache.Choice choice = _cache.Value.Get($"{pass} of {shape}") ?? Measure(shape, pass);
        return choice.Engine == _own.Name ? _own : _cudnn.Value;
    }

    private PlanCache.Choice Measure(in ConvolutionShape shape, ConvolutionPass pass)
    {
        // What is measured is no part of a plan that is being made.
        IRecording? recording = _session.Recording;
        _session.Recording = null;
        try
        {
            return MeasureBoth(shape, pass);
        }
        finally
        {
            _session.Recording = recording;
        }
    }

    private PlanCache.Choice MeasureBoth(in ConvolutionShape shape, ConvolutionPass pass)
    {
        string name = $"{pass} of {shape}";
        double own = Time(_own, shape, pass);
        double? cudnn = null;
        try
        {
            string? lack = _cudnn.Value.WhyNot(shape, pass);
            if (lack == null) cudnn = Time(_cudnn.Value, shape, pass);
            else _cache.Value.SetLack(name, lack);
        }
        catch (Exception error) when (error is CudnnException or GpuUnavailableException or DllNotFoundException)
        {
            // It is not there, or fails.
        }
        var choice = new PlanCache.Choice(cudnn < own ? "cudnn" : _own.Name, own * 1e6, cudnn * 1e6);
        _cache.Value.Set(name, choice);
        return choice;
    }

    // Median seconds of a run on tensors of its own.
    private double Time(IConvolutionEngine engine, in ConvolutionShape shape, ConvolutionPass pass)
    {
        DeviceStream stream = _session.Stream;
        using var group = new ParameterGroup();
        Parameter weight = group.Add("weight", shape.Weight, decays: false);
        group.Allocate(_session.Pool, stream);
        using Tensor x = _session.Rent(shape.Input), y = _session.Rent(shape.Output);
        // Halves: zeros would be unlike any real input, and denormals slow.
        weight.Value.Fill(stream, 0.5f);
        x.Fill(stream, 0.5f);
        y.Fill(stream, 0.5f);
        double[] seconds = new double[Runs];
        for (int i = -Warmup; i < Runs; i++)
        {
            stream.Synchronize();
            long start = Stopwatch.GetTimestamp();
            Run(engine, shape, pass, weight, x, y);
            stream.Synchronize();
            if (i >= 0) seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        Array.Sort(seconds);
        return seconds[Runs / 2];
    }

    private static void Run(
        IConvolutionEngine engine, in ConvolutionShape shape, ConvolutionPass pass, Parameter weight, Tensor x, Tensor y)
    {
        switch (pass)
        {
            case ConvolutionPass.Forward:
                engine.Forward(shape, y, x, weight.Value);
                break;
            case ConvolutionPass.BackwardData:
                engine.BackwardData(shape, x, y, weight.Value);
                break;
            default:
                engine.BackwardWeights(shape, weight, y, x);
                break;
        }
    }
}

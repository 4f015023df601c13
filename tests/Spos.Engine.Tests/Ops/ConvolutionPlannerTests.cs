using System.Runtime.InteropServices;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Ops.Convolutions;

namespace Spos.Engine.Tests.Ops;

public sealed class ConvolutionPlannerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-plans-").FullName;

    [Fact]
    public void The_faster_engine_is_measured_once_and_then_read_from_disk()
    {
        using var fixture = new OpFixture("host");
        var shape = new ConvolutionShape(ConvolutionKind.Pointwise, new(2, 8, 8, 32), 48, 1, 1);
        using (var planner = new ConvolutionPlanner(fixture.Session, _folder) { Plan = ConvolutionPlan.Auto })
        {
            foreach (ConvolutionPass pass in Enum.GetValues<ConvolutionPass>()) planner.EngineFor(shape, pass);
        }
        var cache = new PlanCache(_folder, PlanCache.Describe(Device.Host));
        Assert.Equal(3, cache.Choices.Count);
        foreach ((string name, PlanCache.Choice choice) in cache.Choices)
        {
            Assert.Equal(choice.CudnnMicroseconds < choice.OwnMicroseconds ? "cudnn" : "own", choice.Engine);
            // What is on disk is believed, or it would be measured again.
            cache.Set(name, new PlanCache.Choice("cudnn", 7, 5));
        }
        using var second = new ConvolutionPlanner(fixture.Session, _folder) { Plan = ConvolutionPlan.Auto };
        foreach (ConvolutionPass pass in Enum.GetValues<ConvolutionPass>()) Assert.Equal("cudnn", second.EngineFor(shape, pass).Name);
    }

    [Theory]
    [InlineData(ConvolutionPlan.Cudnn)]
    [InlineData(ConvolutionPlan.Auto)]
    public unsafe void Where_cudnn_has_no_deterministic_algorithm_the_own_kernels_stand_in_and_that_is_kept(ConvolutionPlan plan)
    {
        using var fixture = new OpFixture("host");
        var shape = new ConvolutionShape(ConvolutionKind.Pointwise, new(2, 8, 8, 32), 48, 1, 1);
        var cudnn = new Cudnn(NativeLibraries.Load("spos_host_cudnn"))
        {
            BackwardDataAlgorithms = &NotSupported,
            BackwardFilterAlgorithms = &NoneDeterministic,
        };
        using (var planner = new ConvolutionPlanner(fixture.Session, _folder, cudnn) { Plan = plan })
        {
            if (plan == ConvolutionPlan.Cudnn) Assert.Equal("cudnn", planner.EngineFor(shape, ConvolutionPass.Forward).Name);
            Assert.Equal("own", planner.EngineFor(shape, ConvolutionPass.BackwardData).Name);
            Assert.Equal("own", planner.EngineFor(shape, ConvolutionPass.BackwardWeights).Name);
        }
        IReadOnlyDictionary<string, string> lacks = new PlanCache(_folder, PlanCache.Describe(Device.Host)).Lacks;
        Assert.Equal("no deterministic algorithm", lacks[$"BackwardWeights of {shape}"]);
        Assert.Equal("not supported", lacks[$"BackwardData of {shape}"]);
        Assert.Equal(2, lacks.Count);
    }

    [Fact]
    public unsafe void What_cudnn_lacks_on_a_device_that_computes_nothing_is_not_kept()
    {
        using var fixture = new OpFixture("host");
        var shape = new ConvolutionShape(ConvolutionKind.Pointwise, new(2, 8, 8, 32), 48, 1, 1);
        var cudnn = new Cudnn(NativeLibraries.Load("spos_host_cudnn")) { BackwardDataAlgorithms = &NotSupported };
        using var planner = new ConvolutionPlanner(fixture.Session, _folder, cudnn, keeps: false) { Plan = ConvolutionPlan.Cudnn };
        Assert.Equal("own", planner.EngineFor(shape, ConvolutionPass.BackwardData).Name);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    // cudnnConvolutionBwdFilterAlgoPerf_t: it succeeded, needs no memory, and adds in any order.
    [UnmanagedCallersOnly]
    private static unsafe int NoneDeterministic(
        nint handle, nint x, nint dy, nint convolution, nint dw, int most, int* found, CudnnAlgorithm* algorithms)
    {
        *found = 1;
        algorithms[0] = new CudnnAlgorithm { Number = 0, Status = 0, Determinism = 0 };
        return 0;
    }

    // CUDNN_STATUS_NOT_SUPPORTED and, from version 9 on, its kinds.
    [UnmanagedCallersOnly]
    private static unsafe int NotSupported(
        nint handle, nint w, nint dy, nint convolution, nint dx, int most, int* found, CudnnAlgorithm* algorithms) =>
        3007;

    [Fact]
    public void A_damaged_file_or_one_of_another_device_counts_as_none()
    {
        var cache = new PlanCache(_folder, "this one");
        cache.Set("forward", new PlanCache.Choice("own", 1, null));
        Assert.Null(cache.Choices["forward"].CudnnMicroseconds);
        Assert.Empty(new PlanCache(_folder, "another").Choices);
        string file = Assert.Single(Directory.GetFiles(_folder));
        cache.SetLack("backward", "none");
        cache.Set("forward", new PlanCache.Choice("own", 2, 3));
        Assert.Equal("none", cache.Lacks["backward"]);
        // Files of earlier versions know nothing of it.
        File.WriteAllText(
            file, """{"Device": "this one", "Choices": {"forward": {"Engine": "own", "OwnMicroseconds": 1, "CudnnMicroseconds": null}}}""");
        Assert.Single(cache.Choices);
        Assert.Empty(cache.Lacks);
        foreach (string damage in new[] { "", "{", "[]", "null", """{"Device": "this one"}""", """{"Device": "another", "Choices": {}}""" })
        {
            File.WriteAllText(file, damage);
            Assert.Empty(cache.Choices);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

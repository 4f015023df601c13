using Spos.Engine.Devices;
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

    [Fact]
    public void A_damaged_file_or_one_of_another_device_counts_as_none()
    {
        var cache = new PlanCache(_folder, "this one");
        cache.Set("forward", new PlanCache.Choice("own", 1, null));
        Assert.Null(cache.Choices["forward"].CudnnMicroseconds);
        Assert.Empty(new PlanCache(_folder, "another").Choices);
        string file = Assert.Single(Directory.GetFiles(_folder));
        foreach (string damage in new[] { "", "{", "[]", "null", """{"Device": "this one"}""", """{"Device": "another", "Choices": {}}""" })
        {
            File.WriteAllText(file, damage);
            Assert.Empty(cache.Choices);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

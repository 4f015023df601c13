using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

public sealed class NetworkParametersTests
{
    [Theory]
    [InlineData("shuffle-v2", true)]
    [InlineData("shuffle-v2", false)]
    [InlineData("shuffle-v2+", true)]
    [InlineData("shuffle-v2+-published", true)]
    public void A_path_has_as_many_as_its_network_trains(string blocks, bool affine)
    {
        var spec = new NetworkSpec
        {
            ImageSize = 32,
            StemChannels = 8,
            StageRepeats = [2, 1, 2, 1],
            StageChannels = [12, 16, 20, 24],
            LastChannels = 40,
            Classes = 7,
            BlockSet = BlockSet.Of(blocks)!,
            Affine = affine,
        };
        CostTable parameters = NetworkParameters.Of(spec);
        Assert.Same(CostMeasure.Parameters, parameters.Measure);
        var sampler = new PathSampler(parameters);
        var random = new CounterRandom(1, RandomPurpose.Paths, 0);
        using var session = new Session(Device.Host);
        for (int i = 0; i < 12; i++)
        {
            Architecture path = sampler.Uniform(random);
            // A supernet's batch norms have no scales and shifts; those of a path that is trained from scratch do.
            using var network = new ShuffleNetV2OneShot(session, spec with { Affine = true }, path);
            Assert.Equal(network.Parameters.Sum(parameter => parameter.Value.Shape.Count), parameters.Of(path));
        }
    }

    [Fact]
    public void The_released_network_has_those_of_the_official_code()
    {
        // By sum(p.numel() for p in network.parameters()) of the official code's network.
        CostTable parameters = NetworkParameters.Of(new NetworkSpec());
        Assert.Equal(3_558_464, parameters.Of(Architecture.Parse("2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3")));
    }
}

using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

namespace Spos.Engine.Tests.Supernet;

public sealed class InheritanceTests : IDisposable
{
    private static readonly NetworkSpec Spec = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 4,
        StageRepeats = [1, 1, 1, 1],
        StageChannels = [8, 12, 16, 20],
        LastChannels = 8,
        Dropout = 0,
    };
    private static readonly Architecture Path = Architecture.Parse("0 1 2 3");

    private readonly Session _session = new(Device.Host);

    [Theory]
    [InlineData("0 1 2 3", "shuffle-v2+")]
    [InlineData("4 5 6 7", "shuffle-v2+")]
    [InlineData("0 1 2 3", "shuffle-v2+-published")]
    [InlineData("0 1 2 3 / 0 7 4 5", "shuffle-v2-channels")]
    public void A_path_of_a_supernet_is_the_same_function_by_itself(string text, string blocks)
    {
        Architecture path = Architecture.Parse(text);
        NetworkSpec spec = Spec with { BlockSet = BlockSet.Of(blocks)! };
        using var supernet = new ShuffleNetV2OneShot(_session, spec);
        using var heir = new ShuffleNetV2OneShot(_session, spec with { Affine = true }, path);
        Initialisation.Initialise(supernet, _session.Stream, 1, InitialisationScheme.Kaiming);
        Initialisation.Initialise(heir, _session.Stream, 2, InitialisationScheme.Kaiming);
        foreach (BatchNormLayer layer in supernet.BatchNorms) layer.RunningMean.Fill(_session.Stream, 0.25f);
        Inheritance.Copy(_session, supernet, heir, classifier: true);
        Assert.Equal(Logits(supernet, path), Logits(heir, path));
        Assert.All(heir.BatchNorms, layer => Assert.All(layer.Beta!.Value.Download(_session.Stream), b => Assert.Equal(0, b)));
    }

    [Theory]
    [InlineData("shuffle-v2")]
    [InlineData("shuffle-v2+-published")]
    public void A_single_path_hands_on_all_but_a_classifier_of_other_classes(string blocks)
    {
        NetworkSpec spec = Spec with { Affine = true, BlockSet = BlockSet.Of(blocks)! };
        using var first = new ShuffleNetV2OneShot(_session, spec, Path);
        using var heir = new ShuffleNetV2OneShot(_session, spec with { Classes = 7, ImageSize = 64 }, Path);
        Initialisation.Initialise(first, _session.Stream, 1, InitialisationScheme.Kaiming);
        Initialisation.Initialise(heir, _session.Stream, 2, InitialisationScheme.Kaiming);
        float[] classifier = heir.Classifier.Value.Download(_session.Stream);
        Inheritance.Copy(_session, first, heir, classifier: false);
        Assert.Equal(classifier, heir.Classifier.Value.Download(_session.Stream));
        foreach ((Parameter old, Parameter now) in first.Parameters.Zip(heir.Parameters).SkipLast(1))
        {
            Assert.Equal(old.Value.Download(_session.Stream), now.Value.Download(_session.Stream));
        }
        Assert.Throws<ArgumentException>(() => Inheritance.Copy(_session, first, heir, classifier: true));
        using var other = new ShuffleNetV2OneShot(_session, Spec with { Affine = true }, Architecture.Parse("0 0 0 0"));
        Assert.Throws<ArgumentException>(() => Inheritance.Copy(_session, first, other, classifier: false));
    }

    public void Dispose() => _session.Dispose();

    private float[] Logits(ShuffleNetV2OneShot network, Architecture path)
    {
        using var images = new Tensor(_session.Pool.Rent(2 * 32 * 32 * 3 * sizeof(float)), new Shape(2, 32, 32, 3));
        images.Upload(_session.Stream, [.. Enumerable.Range(0, 2 * 32 * 32 * 3).Select(i => i % 17 / 8f - 1)]);
        using Tensor logits = network.Forward(Pass.Inference(_session), images, path);
        return logits.Download(_session.Stream);
    }
}

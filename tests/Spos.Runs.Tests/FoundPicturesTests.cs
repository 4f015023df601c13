using Spos.Engine.Data;
using Spos.Engine.Tests;
using Spos.Runs.Phases;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

public sealed class FoundPicturesTests
{
    [Fact]
    public void Who_shares_them_looks_once_and_others_look_again()
    {
        DataSpec shared = Data with { Found = new FoundPictures() };
        using var observer = new RecordingObserver();
        var found = new (ImageFolder Train, ImageFolder Val)[8];
        Parallel.For(0, found.Length, i => found[i] = shared.OpenBoth(observer));
        Assert.All(found, one => Assert.Same(found[0].Train, one.Train));
        Assert.All(found, one => Assert.Same(found[0].Val, one.Val));
        Assert.NotSame(found[0].Train, found[0].Val);
        (ImageFolder train, _) = Data.OpenBoth(observer);
        Assert.NotSame(found[0].Train, train);
        Assert.Equal(train.Samples.Length, found[0].Train.Samples.Length);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_told_to_all()
    {
        var found = new FoundPictures();
        string nowhere = Path.Combine(Checkout.Root, "nowhere");
        for (int i = 0; i < 2; i++)
        {
            Assert.StartsWith(nowhere, Assert.Throws<DataException>(() => found.Open(nowhere)).Message, StringComparison.Ordinal);
        }
    }
}

using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Ops;

namespace Spos.Engine.Tests.Data;

/// <summary>
/// Batches are made on a loader's streams and read on another, with nobody waiting in between: on a GPU all of them are
/// under way at once.
/// </summary>
public sealed class BatchStreamTests
{
    private static readonly LoaderOptions Options = new() { ImageSize = 32, BatchSize = 3, Workers = 2 };

    [Theory]
    [OnHostAndSimt]
    [InlineData("simt 0")]
    [InlineData("simt 2")]
    public void A_batch_waits_for_its_maker_and_its_memory_for_the_reader(string name)
    {
        using var files = new TemporaryDataSet(2, 7);
        ImageFolder data = ImageFolder.Open(files.Root);
        List<float[]> expected = Read("host", data);
        List<float[]> found = Read(name, data);
        Assert.Equal(5, found.Count);
        foreach ((float[] one, float[] other) in expected.Zip(found))
        {
            Close.Assert([.. one.Select(v => (double)v)], other, terms: 64, scale: 4);
        }
    }

    private static List<float[]> Read(string name, ImageFolder data)
    {
        using TestDevice device = TestDevice.Open(name);
        using var session = new Session(device.Device);
        var copies = new List<Tensor>();
        using (var loader = new BatchLoader(device.Device, data, Options, new DamageReport(Assert.Fail)))
        {
            foreach (Batch batch in loader)
            {
                batch.ReadOn(session.Stream);
                Tensor copy = session.Rent(batch.Images.Shape);
                copy.CopyFrom(session.Stream, batch.Images);
                copies.Add(copy);
                batch.Dispose();
            }
        }
        List<float[]> values = [.. copies.Select(c => c.Download(session.Stream))];
        foreach (Tensor copy in copies) copy.Dispose();
        return values;
    }
}

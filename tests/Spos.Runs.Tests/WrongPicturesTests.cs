using System.IO.Compression;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Tests.Logs;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;
using Spos.Space;
using static Spos.Runs.Tests.TinyRuns;

namespace Spos.Runs.Tests;

/// <summary>The pictures that an evaluation shows in TensorBoard.</summary>
[Collection("searches")]
public sealed class WrongPicturesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-wrong-").FullName;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void They_are_those_of_the_highest_loss_that_are_taken_for_another_class(bool official)
    {
        DataSpec data = Data with { Folder = Copy(Data.Folder), OfficialPreprocessing = official };
        // One that cannot be decoded moves all places behind it.
        string[] files = Directory.GetFiles(Path.Combine(data.Folder, "val"), "*", SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);
        File.WriteAllText(files[0], "no picture");
        Run(ScratchTraining.Run, new ScratchSpec
        {
            Setup = new TrainingSetup(
                new RunSetup { Data = data, Folder = At("scratch"), Options = [] },
                new TrainingOptions { Epochs = 1, BatchSize = 6, LearningRate = 0.05f }),
            Sizes = Tiny,
            Architecture = "0 1 2 3",
        });
        var spec = new EvaluationSpec
        {
            Data = data,
            Checkpoint = At("scratch"),
            TestBatchSize = 4,
            EventFolder = At("events"),
            WrongPictures = 5,
        };
        EvaluationResult result = Run(Evaluation.Run, spec);
        List<Event> events = EventFile.Read(Assert.Single(Directory.GetFiles(At("events"))));
        Assert.Equal(
            [
                ("loss/eval", (float)result.Accuracy.Loss), ("acc1/eval", (float)result.Accuracy.Top1),
                ("acc5/eval", (float)result.Accuracy.Top5),
            ],
            events[1].Scalars);
        Summarised[] shown = [.. events.SelectMany(one => one.Others)];

        // Each picture alone.
        using CheckpointReader reader = CheckpointFolder.Open(At("scratch"), Assert.Fail);
        using var session = new Session(Device.Host);
        using var network = new ShuffleNetV2OneShot(session, reader.Header.Spec, reader.Header.Path);
        TrainedWeights.Load(reader, session, network, WeightKind.Best);
        Preprocessing preprocessing = data.PreprocessingOf(reader.Header);
        ImageFolder val = ImageFolder.Open(Path.Combine(data.Folder, "val"));
        var alone = new List<(double Loss, string Tag, float[] Pixels)>();
        for (int i = 0; i < val.Samples.Length; i++)
        {
            if ($"{val.Samples[i].Path}" == files[0]) continue;
            using var batches = new BatchLoader(
                Device.Host, val.Subset([i]), new LoaderOptions { ImageSize = 32, BatchSize = 1, Preprocessing = preprocessing },
                new DamageReport(_ => { }));
            foreach (Batch batch in batches)
            {
                using Batch one = batch;
                Accuracy measured = Evaluator.Measure(session, network, reader.Header.Path!, [one]);
                if (measured.Top1 == 1) continue;
                ImageFolder.Sample sample = val.Samples[i];
                string named = $" {val.Classes[sample.Label]}/{Path.GetFileName($"{sample.Path}")}: ";
                alone.Add((measured.Loss, named, one.Images.Download(session.Stream)));
            }
        }
        (double Loss, string Tag, float[] Pixels)[] worst = [.. alone.OrderByDescending(one => one.Loss).Take(5)];
        Assert.NotEmpty(worst);
        Assert.Equal(worst.Length, shown.Length);
        foreach ((int index, ((_, string tag, float[] pixels), Summarised picture)) in worst.Zip(shown).Index())
        {
            Assert.StartsWith($"most_wrong/{index + 1:D3}{tag}", picture.Tag, StringComparison.Ordinal);
            // What it is taken for is another class.
            string taken = picture.Tag[(picture.Tag.IndexOf(": ", StringComparison.Ordinal) + 2)..];
            Assert.DoesNotContain($" {taken.Split(' ')[0]}/", tag, StringComparison.Ordinal);
            (long height, long width, long colours, byte[] png) = picture.Image!.Value;
            Assert.Equal((32, 32, 3), (height, width, colours));
            byte[] levels = LevelsOf(png, 32);
            for (int i = 0; i < pixels.Length; i++)
            {
                int channel = i % 3;
                float value = official
                    ? levels[i - channel + 2 - channel]
                    : (levels[i] / 255f - ImageNetStatistics.Mean[channel]) / ImageNetStatistics.Deviation[channel];
                // Half a level, in the units of the input, and a little for rounding.
                Assert.Equal(pixels[i], value, official ? 0.51f : 0.51f / 255 / ImageNetStatistics.Deviation[channel]);
            }
        }
        // Without a folder nothing is written.
        Assert.Equal(result.Accuracy, Run(Evaluation.Run, spec with { EventFolder = null }).Accuracy);
        Assert.Single(Directory.GetFiles(At("events")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The one IDAT of a PNG whose rows are not filtered; PngFileTests hold that decoders read it so.
    private static byte[] LevelsOf(byte[] png, int size)
    {
        const int data = 8 + 25 + 8;
        using var inflated = new MemoryStream();
        using (var zlib = new ZLibStream(new MemoryStream(png, data, png.Length - data), CompressionMode.Decompress)) zlib.CopyTo(inflated);
        int row = size * 3 + 1;
        Assert.Equal(row * size, inflated.Length);
        return [.. inflated.ToArray().Where((_, i) => i % row != 0)];
    }

    private string At(string name) => Path.Combine(_folder, name);

    private string Copy(string folder)
    {
        foreach (string file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(At("pictures"), Path.GetRelativePath(folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        return At("pictures");
    }
}

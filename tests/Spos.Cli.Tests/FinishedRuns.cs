namespace Spos.Cli.Tests;

/// <summary>A finished folder of every verb that leaves one, and how each verb is sent elsewhere.</summary>
public sealed class FinishedRuns : IDisposable
{
    private readonly PipelineFixture _pipeline = new();
    private int _copies;

    public FinishedRuns()
    {
        string[] verbs = ["search", "scratch", "front", "rank", "import", "shrink"];
        foreach (string verb in verbs) PipelineFixture.Expect(0, Command(verb, At(verb)));
        // As quickstart leaves it, which itself takes minutes.
        foreach (string verb in new[] { "data", "supernet", "search", "scratch" }) Copy(At(verb), Path.Combine(At("quickstart"), verb));
    }

    /// <summary>The verbs that leave a folder; a data set's is not a run's.</summary>
    public static IReadOnlyList<string> Holders { get; } =
        ["supernet", "search", "scratch", "front", "rank", "import", "shrink", "quickstart"];

    /// <summary>The finished folder of a verb.</summary>
    public string At(string verb) => _pipeline.At(verb);

    /// <summary>A command of a verb that writes into a folder. A new verb needs a line here.</summary>
    internal string[] Command(string verb, string folder) => verb switch
    {
        "supernet" => _pipeline.Supernet(folder),
        "search" =>
        [
            "search", "--imagenet-dir", _pipeline.Data, "--checkpoint", At("supernet"), "--output-dir", folder, "--max-epochs", "1",
            "--num-population", "4", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1",
            "--train-batch-size", "8",
        ],
        "scratch" => ["scratch", .. _pipeline.Network, "--architecture", "0 1 2 3 0", "--epochs", "1", "--output-dir", folder],
        "front" =>
        [
            "front", "--imagenet-dir", _pipeline.Data, "--search", At("search"), "--output-dir", folder, "--num-networks", "2",
            "--random", "1", "--handmade", "1", "--epochs", "1", "--batch-size", "8",
        ],
        "rank" =>
        [
            "rank", "--imagenet-dir", _pipeline.Data, "--checkpoint", At("supernet"), "--output-dir", folder, "--num-architectures", "3",
            "--recalibrations", "1", "--train-iters", "1", "--train-batch-size", "8", "--epochs", "1", "--batch-size", "8",
        ],
        "import" =>
        [
            "import", "--checkpoint", Path.Combine(AppContext.BaseDirectory, "fixtures", "torch_supernet_legacy.pth.tar"),
            "--image-size", "32", "--output-dir", folder,
        ],
        "shrink" =>
        [
            "shrink", "--imagenet-dir", _pipeline.Data, "--checkpoint", At("supernet"), "--output-dir", folder, "--by", "score",
            "--num-paths", "20", "--drop", "3", "--train-iters", "1", "--train-batch-size", "8",
        ],
        // Nothing listens there.
        "worker" =>
        [
            "worker", "--imagenet-dir", _pipeline.Data, "--checkpoint", At("supernet"), "--output-dir", folder, "--join", "127.0.0.1:1",
            "--patience", "1s",
        ],
        "quickstart" => ["quickstart", "--output-dir", folder],
        "dataset" => ["dataset", "make", "--output-dir", folder],
        _ => throw new InvalidOperationException($"spos {verb} writes into a folder: say here how it is called."),
    };

    /// <summary>A command of a verb that writes a file. A new verb needs a line here.</summary>
    internal string[] FileCommand(string verb, string file) => verb switch
    {
        "export" => ["export", "--checkpoint", At("scratch"), "--output", file],
        "search-space" => ["search-space", "--checkpoint", At("supernet"), "--file", file],
        "bench" => ["bench", "kernels", "--image-size", "32", "--batch-size", "2", "--output", file],
        "latency" => ["latency", "measure", "--checkpoint", At("supernet"), "--rounds", "10", "--validate", "2", "--output", file],
        "predict" => ["predict", Path.Combine(_pipeline.Data, "val"), "--checkpoint", At("scratch"), "--output", file],
        "report" => ["report", At("scratch"), "--output", file],
        "new" => ["new", _pipeline.Data, "--output", file],
        _ => throw new InvalidOperationException($"spos {verb} writes a file: say here how it is called."),
    };

    /// <summary>A new folder.</summary>
    internal string New() => Directory.CreateDirectory(_pipeline.At($"copy-{_copies++}")).FullName;

    /// <summary>A copy of a verb's finished folder.</summary>
    internal string CopyOf(string verb)
    {
        string copy = New();
        Copy(At(verb), copy);
        return copy;
    }

    public void Dispose() => _pipeline.Dispose();

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }
}

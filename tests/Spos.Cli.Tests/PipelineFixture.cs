namespace Spos.Cli.Tests;

/// <summary>A tiny data set and a supernet trained on it, made once by the program itself.</summary>
public sealed class PipelineFixture : IDisposable
{
    public PipelineFixture()
    {
        Expect(
            0, "dataset", "make", "--output-dir", Data, "--classes", "3", "--train", "16", "--val", "6", "--size", "32",
            "--difficulty", "0.1");
        Expect(0, Supernet(At("supernet")));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public string Data => At("data");

    public string At(string name) => Path.Combine(Folder, name);

    internal string[] Network =>
    [
        "--imagenet-dir", Data, "--image-size", "32", "--stem-channels", "8", "--stage-repeats", "1,1,2,1",
        "--stage-channels", "16,24,32,48", "--last-channels", "32", "--batch-size", "8", "--learning-rate", "0.1", "--init", "aligned",
    ];

    internal string[] Supernet(string output, int epochs = 2, double heldOut = 0.2) =>
        ["supernet", .. Network, "--paths-per-step", "4", "--epochs", $"{epochs}", "--held-out", $"{heldOut}", "--output-dir", output];

    internal static Outcome Expect(int code, params string[] arguments)
    {
        Outcome outcome = SposProcess.Run(arguments);
        Assert.True(
            code == outcome.Code,
            $"spos {string.Join(' ', arguments)} ended with {outcome.Code}, not {code}.\n{outcome.Output}\n{outcome.Error}");
        return outcome;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

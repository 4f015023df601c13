using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Engine.Tests;

namespace Spos.Cli.Tests;

/// <summary>
/// The bits that short runs of all phases leave, and every file that an export writes, as SHA-256: code that is only put in another order
/// leaves them as they are. Where a change is meant to move them, SPOS_UPDATE_GOLDENS=1 has this test write goldens.json anew (in
/// tests/fixtures/phases). The pictures are files of the checkout, since what draws them may round otherwise on another CPU.
/// </summary>
public sealed class GoldenTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(Checkout.Root, "tests/fixtures/phases");
    private static readonly string GoldenFile = Path.Combine(Fixtures, "goldens.json");
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-golden-").FullName;
    private readonly SortedDictionary<string, string> _found = new(StringComparer.Ordinal);

    public static TheoryData<string, string, int> Cases()
    {
        var cases = new TheoryData<string, string, int>();
        foreach (string instructions in Supported)
        {
            foreach (string plan in new[] { "fused", "unfused" })
            {
                foreach (int paths in new[] { 1, 3 }) cases.Add(instructions, plan, paths);
            }
        }
        return cases;
    }

    // Those of this CPU. The C library's functions round alike where a CPU has fused multiplication and addition, whatever the kernels.
    private static IEnumerable<string> Supported => Device.InstructionSets.Where(name => Fma.IsSupported && name switch
    {
        "avx512" => Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported,
        "avx2" => Avx2.IsSupported,
        _ => true,
    });

    /// <param name="paths">Of a step of the supernet; several go with the recipe's other options.</param>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Phases_leave_the_bits_that_are_known(string instructions, string plan, int paths)
    {
        // The bits are a CPU's, also where there is a GPU.
        var environment = new Dictionary<string, string> { ["SPOS_DEVICE"] = "host", ["SPOS_CPU"] = instructions };
        bool several = paths > 1;
        string supernet = At("supernet"), search = At("search"), scratch = At("scratch"), rank = At("rank");
        string[] data = ["--imagenet-dir", Path.Combine(Fixtures, "pictures"), "--workers", "2"];
        string[] training =
        [
            .. data, "--plan", plan, "--batch-size", "6", "--learning-rate", "0.05", "--epochs", "2",
            "--init", several ? "aligned" : "official",
        ];
        string[] network =
        [
            "--image-size", "32", "--stem-channels", "8", "--stage-repeats", "1,2,1,1", "--stage-channels", "16,24,32,48",
            "--last-channels", "24",
        ];
        string[] scoring = [.. data, "--plan", plan, "--checkpoint", supernet, "--train-iters", "2", "--train-batch-size", "6"];

        Run(["supernet", .. training, .. network, "--paths-per-step", $"{paths}", "--held-out", "0.2", "--output-dir", supernet]);
        Keep("supernet", Tensors(supernet));
        Keep("losses of supernet", Losses(supernet));
        Run(
        [
            "search", .. scoring, "--max-epochs", "2", "--num-population", "4", "--num-select", "2", "--num-crossover", "1",
            "--num-mutation", "1", "--select-on", several ? "held-out" : "val", "--concurrency", "2", "--output-dir", search,
        ]);
        Keep("scores of search", Text(Property(Path.Combine(search, "search.json"), "Scores")));
        string architecture = Path.Combine(search, "architecture_final.json");
        Keep("architecture_final.json", File.ReadAllBytes(architecture));
        string[] modern = several ? ["--ema-decay", "0.9", "--mixup", "0.2", "--lr-decay", "cosine", "--random-erasing", "0.5"] : [];
        Run(["scratch", .. training, .. network, .. modern, "--architecture", architecture, "--output-dir", scratch]);
        Keep("scratch", Tensors(scratch));
        Keep("losses of scratch", Losses(scratch));
        Keep("eval", Text(Measured(Run(["eval", .. data, "--plan", plan, "--checkpoint", scratch, "--recalibrate", .. scoring[^4..]]))));
        Run(["rank", .. training, .. scoring[^6..], "--num-architectures", "3", "--recalibrations", "2", "--output-dir", rank]);
        Keep("rank", Text(Property(Path.Combine(rank, "rank.json"), "Architectures")));
        // What is exported is read from the checkpoints, whose bits these are: by the same code whatever computed them.
        if (instructions == "x86-64" && plan == "fused")
        {
            foreach ((string file, string checkpoint, string[] options) in new (string, string, string[])[]
            {
                ("network.pth", scratch, ["--format", "pth"]), ("network.safetensors", scratch, ["--format", "safetensors"]),
                ("network.onnx", scratch, ["--format", "onnx"]), ("unfolded.onnx", scratch, ["--format", "onnx", "--keep-batch-norm"]),
                ("supernet.pth", supernet, ["--format", "pth"]), ("supernet.safetensors", supernet, ["--format", "safetensors"]),
            })
            {
                Run(["export", "--checkpoint", checkpoint, .. options, "--output", At(file)]);
                Keep(file, File.ReadAllBytes(At(file)));
            }
        }
        Compare($"{instructions}, {plan}, {(several ? "several paths" : "one path")}");

        string Run(string[] arguments)
        {
            Outcome outcome = SposProcess.RunWith(environment, arguments);
            Assert.True(outcome.Code == 0, $"spos {string.Join(' ', arguments)} ended with {outcome.Code}.\n{outcome.Error}");
            return outcome.Output;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private void Keep(string what, byte[] bytes) => _found[what] = Convert.ToHexStringLower(SHA256.HashData(bytes));

    private void Compare(string name)
    {
        var goldens = new Goldens();
        if (File.Exists(GoldenFile)) goldens = JsonSerializer.Deserialize<Goldens>(File.ReadAllText(GoldenFile))!;
        if (Environment.GetEnvironmentVariable("SPOS_UPDATE_GOLDENS") == "1")
        {
            goldens[name] = _found;
            File.WriteAllText(GoldenFile, JsonSerializer.Serialize(goldens, Indented) + "\n");
        }
        Assert.True(goldens.ContainsKey(name), $"{GoldenFile} has no bits of '{name}'.");
        SortedDictionary<string, string> known = goldens[name];
        IEnumerable<string> all = known.Keys.Union(_found.Keys);
        string[] moved = [.. all.Where(what => known.GetValueOrDefault(what) != _found.GetValueOrDefault(what))];
        Assert.True(moved.Length == 0, $"{name}: other bits than in {GoldenFile} of {string.Join(", ", moved)}.");
    }

    // Weights, momenta and statistics, and the averaged ones if there are any, of a run's newest checkpoint.
    private static byte[] Tensors(string run)
    {
        string file = Directory.GetFiles(run, "*.spos").Order(StringComparer.Ordinal).Last();
        using var session = new Session(Device.Host);
        CheckpointHeader header = Checkpoint.ReadHeader(file);
        using var network = new ShuffleNetV2OneShot(session, header.Spec, header.Path);
        Checkpoint.Load(file, session, network);
        var bytes = new MemoryStream();
        Add();
        if (header.IsAveraged)
        {
            Checkpoint.LoadAverage(file, session, network);
            Add();
        }
        return bytes.ToArray();

        void Add()
        {
            foreach (Tensor tensor in network.Parameters.SelectMany(p => new[] { p.Value, p.Momentum })) AddTensor(tensor);
            foreach (Tensor tensor in network.BatchNorms.SelectMany(b => new[] { b.RunningMean, b.RunningVariance })) AddTensor(tensor);
            foreach (var layer in network.BatchNorms) bytes.Write(BitConverter.GetBytes(layer.BatchesTracked));
        }
        void AddTensor(Tensor tensor) => bytes.Write(MemoryMarshal.AsBytes(tensor.Download(session.Stream).AsSpan()));
    }

    private static byte[] Losses(string run) => Text(string.Join('\n', File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line =>
    {
        using JsonDocument metrics = JsonDocument.Parse(line);
        IEnumerable<JsonProperty> all = metrics.RootElement.EnumerateObject();
        return string.Join(' ', all.Where(p => p.Name is "step" or "loss" or "top1" or "top5").Select(p => p.Value.GetRawText()));
    })));

    private static string Property(string file, string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        return document.RootElement.GetProperty(name).GetRawText();
    }

    private static string Measured(string output) => string.Join('\n', output.Split('\n').Where(
        line => line.Contains("top-", StringComparison.Ordinal) || line.Contains("loss", StringComparison.Ordinal)));

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    // By case, and in it by what was made.
    private sealed class Goldens() : SortedDictionary<string, SortedDictionary<string, string>>(StringComparer.Ordinal);
}

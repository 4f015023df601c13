using System.Diagnostics;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Spos.Space;

// Imports the full-size supernet that make_full_supernet.py made, and the authors' network with channel scales, and holds their logits
// against PyTorch's:
//   python3 benchmarks/import/make_full_supernet.py /tmp/full
//   dotnet run -c Release --project benchmarks/import -- /tmp/full
// With a folder of JPEGs as the script's second argument, also the logits over each of them, by both ways of preprocessing.

const int Images = 2, Size = 224, PicturesAtOnce = 16;

string folder = args[0];
using var session = new Session(Device.Open("auto"));
using Tensor images = session.Rent(new Shape(Images, Size, Size, 3));
images.Upload(session.Stream, [.. Pixels()]);
Compare("checkpoint.pth.tar", "logits.json", network =>
{
    if (File.Exists(Path.Combine(folder, "pictures.json"))) ComparePictures(network);
});
Compare("searched.pth", "searched.json", _ => { });

void Compare(string name, string logits, Action<ShuffleNetV2OneShot> more)
{
    string file = Path.Combine(folder, name);
    long start = Stopwatch.GetTimestamp();
    using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
    IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
    (NetworkSpec spec, Architecture? single) = OfficialNetwork.Describe(tensors, Size, file);
    using var network = new ShuffleNetV2OneShot(session, spec with { Dropout = 0 }, single);
    OfficialNetwork.Load(checkpoint, tensors, session, network, file);
    session.Stream.Synchronize();
    Console.WriteLine(
        $"{name}: imported {tensors.Count} tensors, {new FileInfo(file).Length / 1e6:0} MB, "
        + $"in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.00} s: {spec}");
    if (single != null)
    {
        long flops = NetworkFlops.Of(spec).Of(single), parameters = network.Parameters.Sum(parameter => parameter.Shape.Count);
        Console.WriteLine($"{single}: {flops / 1e6:0.0}M FLOPs, {parameters / 1e6:0.00}M parameters");
    }
    using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, logits)));
    foreach (JsonElement row in golden.RootElement.EnumerateArray())
    {
        Architecture path = PathOf(row);
        double evaluation = Error(network, path, row.GetProperty("eval"), BatchNormMode.Running),
            training = Error(network, path, row.GetProperty("train"), BatchNormMode.Batch);
        Console.WriteLine(
            $"{path}: largest difference, in parts of the largest logit: {evaluation:e1} in evaluation, {training:e1} in training mode");
        // The pass in training mode has moved the statistics.
        OfficialNetwork.Load(checkpoint, tensors, session, network, file);
    }
    more(network);
}

Architecture PathOf(JsonElement row)
{
    int[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(c => c.GetInt32())];
    int[] operations = Numbers(row.GetProperty("path"));
    return row.TryGetProperty("scales", out JsonElement scales)
        ? new Architecture(operations, Numbers(scales))
        : new Architecture(operations);
}

void ComparePictures(ShuffleNetV2OneShot network)
{
    using JsonDocument pictures = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "pictures.json")));
    Architecture path = PathOf(pictures.RootElement);
    ImageFolder data = ImageFolder.Open(Path.Combine(folder, "pictures"));
    foreach ((Preprocessing preprocessing, string name) in new[] { (Preprocessing.Standard, "standard"), (Preprocessing.Spos, "spos") })
    {
        double[][] theirs =
        [
            .. pictures.RootElement.GetProperty(name).EnumerateArray()
                .Select(row => row.EnumerateArray().Select(v => v.GetDouble()).ToArray()),
        ];
        var ours = new List<float[]>();
        var options = new LoaderOptions { ImageSize = Size, BatchSize = PicturesAtOnce, Preprocessing = preprocessing };
        using var loader = new BatchLoader(session.Device, data, options, new DamageReport(Console.Error.WriteLine));
        foreach (Batch batch in loader)
        {
            batch.ReadOn(session.Stream);
            using (Tensor logits = network.Forward(Pass.Inference(session), batch.Images, path))
            {
                ours.AddRange(logits.Download(session.Stream).Chunk(network.Spec.Classes));
            }
            batch.Dispose();
        }
        double[] errors = [.. ours.Zip(theirs, (a, b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max() / b.Max(Math.Abs))];
        int agreeing = ours.Zip(theirs, (a, b) => a.IndexOf(a.Max()) == b.IndexOf(b.Max())).Count(equal => equal);
        Console.WriteLine(
            $"{name} preprocessing, {ours.Count} of {theirs.Length} pictures: "
            + $"largest difference {errors.Max():e1} of the picture's largest logit; argmax equal in {agreeing}");
    }
}

double Error(ShuffleNetV2OneShot network, Architecture path, JsonElement expected, BatchNormMode mode)
{
    Pass pass = mode == BatchNormMode.Running ? Pass.Inference(session) : Pass.Recalibration(session);
    using Tensor logits = network.Forward(pass, images, path);
    double[] theirs = [.. expected.EnumerateArray().Select(v => v.GetDouble())];
    return logits.Download(session.Stream).Zip(theirs, (a, b) => Math.Abs(a - b)).Max() / theirs.Max(Math.Abs);
}

// The formula of official_network.images.
IEnumerable<float> Pixels() =>
    from n in Enumerable.Range(0, Images)
    from y in Enumerable.Range(0, Size)
    from x in Enumerable.Range(0, Size)
    from c in Enumerable.Range(0, 3)
    select (float)Math.Sin(0.9 * n + 1.7 * c + 0.23 * y + 0.41 * x + 0.003 * x * y);

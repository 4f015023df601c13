// Times a network of spos export --format onnx on ONNX Runtime, and prints the images a second of each run as JSON.
// Usage: spos-onnx-runtime FILE BATCH-SIZE THREADS RUNS
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

// As StepBenchmark does.
const int Warmup = 3;

int[] numbers = [.. args.Skip(1).Select(word => int.TryParse(word, CultureInfo.InvariantCulture, out int number) ? number : 0)];
if (numbers.Length != 3 || numbers.Any(number => number < 1))
{
    Console.Error.WriteLine("usage: spos-onnx-runtime FILE BATCH-SIZE THREADS RUNS");
    return 2;
}
(int batch, int threads, int runs) = (numbers[0], numbers[1], numbers[2]);

using var options = new SessionOptions
{
    GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
    IntraOpNumThreads = threads,
    InterOpNumThreads = 1,
};
using var session = new InferenceSession(args[0], options);
(string input, NodeMetadata images) = session.InputMetadata.Single();
(string output, NodeMetadata logits) = session.OutputMetadata.Single();
long[] imageShape = ShapeOf(images), logitShape = ShapeOf(logits);

// The same memory for each run: what is timed is the network.
var random = new Random(1);
float[] pixels = [.. Enumerable.Range(0, CountOf(imageShape)).Select(_ => 4 * random.NextSingle() - 2)];
using OrtValue pictures = OrtValue.CreateTensorValueFromMemory(pixels, imageShape);
using OrtValue results = OrtValue.CreateTensorValueFromMemory(new float[CountOf(logitShape)], logitShape);
using OrtIoBinding binding = session.CreateIoBinding();
binding.BindInput(input, pictures);
binding.BindOutput(output, results);
using var runOptions = new RunOptions();

double[] rates = new double[runs];
for (int run = -Warmup; run < runs; run++)
{
    long start = Stopwatch.GetTimestamp();
    session.RunWithBinding(runOptions, binding);
    if (run >= 0) rates[run] = batch / Stopwatch.GetElapsedTime(start).TotalSeconds;
}
Console.WriteLine(JsonSerializer.Serialize(new { version = OrtEnv.Instance().GetVersionString(), images_per_second = rates }));
return 0;

// A file leaves the batch's size open, and nothing else.
long[] ShapeOf(NodeMetadata node) => [.. node.Dimensions.Select(size => size > 0 ? size : (long)batch)];

int CountOf(long[] shape) => checked((int)shape.Aggregate(1L, (count, size) => count * size));

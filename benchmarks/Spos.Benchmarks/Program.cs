using System.Diagnostics;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Nn;
using Spos.Engine.Ops;
using Spos.Engine.Optim;
using Spos.Engine.Random;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;

// Times a whole training step (forward, loss, backward, SGD) and inference of one path of the full-size network:
//   dotnet run -c Release --project benchmarks/Spos.Benchmarks -- [image size] [batch size]
// Prints the median over runs, and the spread between the quartiles.

const string Path = "2 1 0 1 2 0 2 0 2 0 2 3 0 0 0 0 3 2 3 3";
const int Warmup = 3, Runs = 15;

int size = args.Length > 0 ? int.Parse(args[0]) : 224, batch = args.Length > 1 ? int.Parse(args[1]) : 32;
Device device = Device.Open("auto");
Console.WriteLine($"{device.Name}, {device.InstructionSet}, {device.Threads} threads; {size}×{size}, batch {batch}, path {Path}");

using var session = new Session(device);
var spec = new NetworkSpec { ImageSize = size };
Architecture path = Architecture.Parse(Path);
using var network = new ShuffleNetV2OneShot(session, spec);
Initialisation.Initialise(network, session.Stream, 1, InitialisationScheme.Official);
var random = new CounterRandom(1, RandomPurpose.Drawing, 0);
using Tensor images = session.Rent(new Shape(batch, size, size, 3));
images.Upload(session.Stream, [.. Enumerable.Range(0, (int)images.Shape.Count).Select(_ => random.NextNormal())]);
using var labels = new DeviceArray<int>(session.Pool, batch);
labels.Upload(session.Stream, [.. Enumerable.Range(0, batch).Select(i => i % spec.Classes)]);
var optimizer = new Sgd(0.9f, 4e-5f);

Report("training step", Time(TrainingStep));
session.BatchNorm = BatchNormMode.Running;
Report("inference", Time(() => network.Forward(session, images, path).Dispose()));

void TrainingStep()
{
    session.Tape = new Tape();
    using Tensor logits = network.Forward(session, images, path);
    (Tensor loss, Tensor? gradient) = SoftmaxCrossEntropy.Forward(session, logits, labels, 0.1f, 1f / batch);
    loss.Dispose();
    session.Tape.Backward(session, logits, gradient!);
    session.Tape = null;
    foreach (ParameterGroup group in network.GroupsOf(path)) group.GradientCount++;
    optimizer.Step(session, network.GroupsOf(path), 0.01f);
}

double[] Time(Action work)
{
    double[] seconds = new double[Runs];
    for (int i = -Warmup; i < Runs; i++)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        session.Stream.Synchronize();
        if (i >= 0) seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
    Array.Sort(seconds);
    return seconds;
}

void Report(string name, double[] seconds) =>
    Console.WriteLine($"{name,-14} {batch / seconds[Runs / 2],8:0.0} img/s   ({batch / seconds[3 * Runs / 4]:0.0} to {batch / seconds[Runs / 4]:0.0})");

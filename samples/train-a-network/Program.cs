// Builds a small network, trains it on pictures that it draws, and prints its accuracy. Run ./spos before: it builds the native libraries.
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Samples;
using Spos.Space;

using var data = new StripeData(size: 32);
ImageFolder train = data.Draw("train", ofEachClass: 96), val = data.Draw("val", ofEachClass: 32);

var spec = new NetworkSpec
{
    ImageSize = 32,
    Classes = train.Classes.Length,
    StemChannels = 8,
    StageRepeats = [1, 1, 2, 1],
    StageChannels = [16, 24, 32, 48],
    LastChannels = 64,
    Affine = true,
};
// One operation for each block: 0, 1 and 2 are shuffle 3×3, 5×5 and 7×7, and 3 is xception.
Architecture path = Architecture.Parse("0 1 2 3 0");
using var session = new Session(Device.Host);
using var network = new ShuffleNetV2OneShot(session, spec, path);
Initialisation.Initialise(network, session.Stream, seed: 1, InitialisationScheme.Official);

var crops = new Augmentation { MinArea = 0.6f, Flip = 0 };
var options = new TrainingOptions { Epochs = 6, BatchSize = 16, LearningRate = 0.1f, Augmentation = crops };
var damage = new DamageReport(Console.Error.WriteLine);
var trainer = new Trainer(session, network, train, options, _ => [path], damage);
float loss = 0;
while (trainer.StepsDone < trainer.Steps)
{
    trainer.RunEpoch(step => loss = step.Loss, CancellationToken.None);
    Console.WriteLine($"epoch {trainer.EpochsDone}: loss {loss:0.000}");
}

using var test = new BatchLoader(session.Device, val, new LoaderOptions { ImageSize = spec.ImageSize, BatchSize = 32 }, damage);
Accuracy accuracy = Evaluator.Measure(session, network, path, test);
Console.WriteLine($"The path {path} predicts {accuracy.Top1:0.0%} of {accuracy.Images} pictures.");

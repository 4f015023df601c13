using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Pytorch;
using Spos.Space;

namespace Spos.Runs.Phases;

/// <summary>What is predicted, and how.</summary>
public sealed record PredictionSpec
{
    /// <summary>A checkpoint of a single path, or the folder of its run; or an ONNX graph that spos export wrote.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>Files of pictures and folders of them; at least one.</summary>
    public required IReadOnlyList<string> Pictures { get; init; }

    /// <summary>How pictures are read; its folder does not count.</summary>
    public required DataSpec Data { get; init; }

    public ConvolutionPlan Plan { get; init; }

    public Precision Precision { get; init; }

    public WeightKind Weights { get; init; }

    /// <summary>Pictures of a batch. Results do not depend on it.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>How many guesses are told of a picture, as far as there are classes.</summary>
    public int Top { get; init; } = 5;
}

/// <summary>A class that a picture may be of.</summary>
/// <param name="Name">Null where nobody knows the classes' names.</param>
/// <param name="Probability">What the network gives it: its softmax.</param>
public readonly record struct Guess(int Class, string? Name, double Probability)
{
    /// <summary>The likeliest classes; of equally likely ones that of the smaller number goes before.</summary>
    /// <param name="logits">Of one picture.</param>
    internal static Guess[] Of(ReadOnlySpan<float> logits, int top, IReadOnlyList<string>? names)
    {
        float[] values = logits.ToArray();
        double most = values.Max(), sum = values.Sum(value => Math.Exp(value - most));
        return
        [
            .. values.Index().OrderByDescending(one => one.Item).ThenBy(one => one.Index).Take(top)
                .Select(one => new Guess(one.Index, names?[one.Index], Math.Exp(one.Item - most) / sum)),
        ];
    }
}

/// <summary>What a network makes of a picture.</summary>
/// <param name="Picture">Its path, as messages show it.</param>
/// <param name="Guesses">The likeliest first; of equally likely ones that of the smaller number. None of a damaged picture.</param>
/// <param name="Fault">Why it could not be decoded: a sentence that names the file. Null if it could.</param>
public sealed record PredictedPicture(string Picture, IReadOnlyList<Guess> Guesses, string? Fault);

/// <summary>What a prediction came to.</summary>
/// <param name="Architecture">Null where an ONNX graph does not say it.</param>
/// <param name="IsAveraged">Whether the weights were averaged ones; null of an ONNX graph, which does not say it.</param>
public sealed record PredictionResult(
    string Checkpoint, Architecture? Architecture, bool? IsAveraged, IReadOnlyList<PredictedPicture> Pictures);

/// <summary>Tells what is in pictures by a trained network.</summary>
public static class Prediction
{
    /// <exception cref="SposException">It cannot be done; the message says why.</exception>
    public static PredictionResult Run(PredictionSpec spec, RunContext context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(spec.Top, 1);
        IRunObserver observer = context.Observer;
        DeviceUse.Require(spec.Precision, spec.Plan);
        using IPredictor predictor =
            OnnxFile.IsAt(spec.Checkpoint) ? new OnnxPredictor(spec) : new CheckpointPredictor(spec, observer.Warn);
        ImageFolder pictures = ImageFolder.OfPictures(spec.Pictures);
        foreach (string remark in pictures.Remarks) observer.Warn(remark);
        predictor.Load(context.OpenDevice());
        var damage = new DamageReport(observer.Warn);
        var guesses = new Guess[pictures.Samples.Length][];
        void Predict()
        {
            try
            {
                predictor.Predict(
                    pictures, damage,
                    (places, logits) =>
                    {
                        int classes = predictor.Classes;
                        foreach ((int row, int place) in places.Index())
                        {
                            guesses[place] = Guess.Of(logits.AsSpan(row * classes, classes), spec.Top, predictor.ClassNames);
                        }
                        observer.Predicted(places[^1] + 1);
                    },
                    context.Cancel);
                // The last ones may be damaged.
                observer.Predicted(guesses.Length);
            }
            catch (DataException) when (pictures.Samples.All(sample => damage.CauseOf(sample.Path) != null))
            {
                // Each of them is told of in the result.
            }
        }

        // What is done in a moment needs no progress.
        if (guesses.Length <= spec.BatchSize) Predict();
        else observer.Observe(new RunPart(PartKind.Prediction, "predictions", predictor.File, "picture", guesses.Length), Predict);
        return new PredictionResult(
            predictor.File, predictor.Path, predictor.IsAveraged,
            [.. pictures.Samples.Select(sample => new PredictedPicture(
                $"{sample.Path}", guesses[sample.Number] ?? [], guesses[sample.Number] == null ? damage.CauseOf(sample.Path) : null))]);
    }
}

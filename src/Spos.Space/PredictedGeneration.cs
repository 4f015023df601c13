namespace Spos.Space;

/// <summary>How well a predictor ordered the candidates of a generation, before they were scored.</summary>
/// <param name="Generation">From 0.</param>
/// <param name="Learned">How many scores it had learned from.</param>
/// <param name="Candidates">How many were scored then.</param>
/// <param name="KendallTau">Of predictions and scores; NaN if there are fewer than two of either.</param>
public sealed record PredictedGeneration(int Generation, int Learned, int Candidates, double KendallTau)
{
    internal static PredictedGeneration Of(RidgePredictor predictor, IReadOnlyList<Candidate> scored, int learned)
    {
        double[] predicted = [.. scored.Select(one => predictor.Of(one.Path))], scores = [.. scored.Select(one => one.Top1)];
        return new PredictedGeneration(
            scored[0].Generation, learned, scored.Count, scored.Count < 2 ? double.NaN : RankStatistics.KendallTau(predicted, scores));
    }
}

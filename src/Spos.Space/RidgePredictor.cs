using MathNet.Numerics.LinearAlgebra;

namespace Spos.Space;

/// <summary>
/// Predicts what paths will score from those that have been scored, by ridge regression on <see cref="PathFeatures"/> (Hoerl and Kennard,
/// Technometrics 12, 1970). The penalty is the one of <see cref="Penalties"/> with the least squared error where each score is predicted
/// from all others, which the eigenvectors of the normal equations tell without fitting anew (Allen's PRESS, Technometrics 16, 1974).
/// </summary>
public sealed class RidgePredictor
{
    /// <summary>The penalties that are tried: these shares of the mean eigenvalue.</summary>
    public static readonly double[] Penalties = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];

    private readonly PathFeatures _features;
    private readonly double[] _means, _weights;
    private readonly double _mean;

    private RidgePredictor(PathFeatures features, double[] means, double[] weights, double mean) =>
        (_features, _means, _weights, _mean) = (features, means, weights, mean);

    /// <summary>Learns from scored paths.</summary>
    /// <param name="costs">What paths are told apart by, besides what they choose.</param>
    /// <param name="known">At least 2.</param>
    /// <exception cref="ArgumentException">There are too few.</exception>
    public static RidgePredictor Fit(SearchSpace space, IReadOnlyList<CostTable> costs, IReadOnlyList<Candidate> known)
    {
        if (known.Count < 2) throw new ArgumentException($"{known.Count} scores: at least 2 are needed.");
        var features = new PathFeatures(space, costs, [.. known.Select(one => one.Path)]);
        double[][] rows = [.. known.Select(one => features.Of(one.Path))];
        double[] means = [.. Enumerable.Range(0, features.Count).Select(column => rows.Average(row => row[column]))];
        double mean = known.Average(one => one.Top1);
        Matrix<double> centred = ManagedAlgebra.Matrices.Dense(rows.Length, features.Count, (i, j) => rows[i][j] - means[j]);
        Vector<double> scores = Vector<double>.Build.Dense(rows.Length, i => known[i].Top1 - mean);

        var normal = centred.TransposeThisAndMultiply(centred).Evd(Symmetricity.Symmetric);
        // Each path's place along the eigenvectors.
        Matrix<double> along = centred * normal.EigenVectors;
        // Rounding may leave a little less than nothing.
        double[] lengths = [.. normal.EigenValues.Select(value => Math.Max(value.Real, 0))];
        Vector<double> pull = along.TransposeThisAndMultiply(scores);
        double penalty = Penalties.Select(share => share * lengths.Average()).MinBy(one => ErrorOf(along, lengths, pull, scores, one));
        double[] weights = (normal.EigenVectors * Shrunk(pull, lengths, penalty)).ToArray();
        return new RidgePredictor(features, means, weights, mean);
    }

    /// <summary>What a path will score.</summary>
    public double Of(Architecture path)
    {
        double[] features = _features.Of(path);
        double score = _mean;
        for (int i = 0; i < features.Length; i++) score += _weights[i] * (features[i] - _means[i]);
        return score;
    }

    private static Vector<double> Shrunk(Vector<double> pull, double[] lengths, double penalty) =>
        Vector<double>.Build.Dense(lengths.Length, k => lengths[k] + penalty > 0 ? pull[k] / (lengths[k] + penalty) : 0);

    // The sum of squared errors of scores that are each predicted from all others.
    private static double ErrorOf(Matrix<double> along, double[] lengths, Vector<double> pull, Vector<double> scores, double penalty)
    {
        Vector<double> fitted = along * Shrunk(pull, lengths, penalty);
        double sum = 0;
        for (int i = 0; i < scores.Count; i++)
        {
            // How much of a fitted score is that score itself.
            double own = 1.0 / scores.Count;
            for (int k = 0; k < lengths.Length; k++)
            {
                if (lengths[k] + penalty > 0) own += along[i, k] * along[i, k] / (lengths[k] + penalty);
            }
            double error = (scores[i] - fitted[i]) / (1 - own);
            sum += error * error;
        }
        return sum;
    }
}

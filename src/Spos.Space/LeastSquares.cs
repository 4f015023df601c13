using MathNet.Numerics.LinearAlgebra;

namespace Spos.Space;

/// <summary>
/// Weighted least squares for costs of a space: the unknowns are what every path costs with the first alternative of each block, and what
/// each of the others costs above it.
/// </summary>
/// <param name="ridge">What is added to the diagonal of the normal equations, as a share of it.</param>
internal sealed class LeastSquares(SearchSpace space, double ridge)
{
    // The unknown of a block's second alternative; those of the others follow.
    private readonly int[] _first = [.. space.Blocks.Select((_, b) => 1 + space.Blocks.Take(b).Sum(before => before.Length - 1))];
    private readonly int _unknowns = 1 + space.Blocks.Sum(alternatives => alternatives.Length - 1);

    /// <summary>What an alternative costs above the first of its block.</summary>
    public double CostOf(double[] solution, int block, int choice) => choice == 0 ? 0 : solution[_first[block] + choice - 1];

    /// <summary>What a path costs.</summary>
    public double Apply(double[] solution, Architecture path) => solution[0] + path.Blocks.Select((c, b) => CostOf(solution, b, c)).Sum();

    /// <summary>The unknowns that fit best.</summary>
    public double[] Solve(IEnumerable<(Architecture Path, double Cost, double Weight)> equations)
    {
        Matrix<double> matrix = ManagedAlgebra.Matrices.Dense(_unknowns, _unknowns);
        double[] right = new double[_unknowns];
        foreach ((Architecture path, double cost, double weight) in equations)
        {
            int[] present = [0, .. path.Blocks.Select((choice, block) => (choice, block)).Where(c => c.choice > 0)
                .Select(c => _first[c.block] + c.choice - 1)];
            for (int i = 0; i < present.Length; i++)
            {
                right[present[i]] += weight * cost;
                for (int j = 0; j < present.Length; j++) matrix[present[i], present[j]] += weight;
            }
        }
        for (int i = 0; i < _unknowns; i++) matrix[i, i] += ridge * matrix[i, i];
        return matrix.Cholesky().Solve(Vector<double>.Build.Dense(right)).AsArray();
    }
}

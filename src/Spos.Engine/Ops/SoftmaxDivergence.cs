using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>How far a student's guesses are from its teacher's.</summary>
public enum Divergence
{
    /// <summary>The Kullback-Leibler divergence Σ p·log(p/q), p the teacher's probabilities, q the student's.</summary>
    Kl,

    /// <summary>
    /// For each picture the larger of that and of the divergence of α = −1 with ratios q/p of at most 5: AlphaNet's adaptive one (arXiv
    /// 2102.07954, α from −1 to 1, β = 5). It also punishes a student that is surer than its teacher.
    /// </summary>
    Alpha,
}

/// <summary>
/// The divergence of a student's softmax from a teacher's, as the loss of distillation. Nothing is differentiated by the teacher's logits.
/// Kernel: softmax_divergence.
/// </summary>
public static class SoftmaxDivergence
{
    /// <summary>The divergence of each row, and the gradient of <paramref name="gradientScale"/> times their sum.</summary>
    /// <param name="logits">The student's, [N, 1, 1, classes].</param>
    /// <param name="teacher">Like the logits.</param>
    /// <returns>
    /// Divergences [N], at least 0 but for rounding, and dlogits like the logits. Where a ratio was cut to 5, the gradient is the one that
    /// AlphaNet steps by and not that of the divergence.
    /// </returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static (Tensor Loss, Tensor Gradient) Forward(
        Session session, Tensor logits, Tensor teacher, Divergence divergence, float gradientScale)
    {
        if (logits.Shape != teacher.Shape) throw new ArgumentException($"Logits {logits.Shape} have a teacher's {teacher.Shape}.");
        int rows = logits.Shape.N, classes = logits.Shape.C;
        (Tensor loss, Tensor gradient) = (session.Rent(Shape.Vector(rows)), session.Rent(logits.Shape));
        Partition partition = Partition.Of(rows, 16);
        session.Grid(partition.Blocks).SoftmaxDivergence(
            loss, gradient, logits, teacher, rows, classes, divergence == Divergence.Alpha ? 1 : 0, gradientScale, partition.RowsPerBlock);
        return (loss, gradient);
    }
}

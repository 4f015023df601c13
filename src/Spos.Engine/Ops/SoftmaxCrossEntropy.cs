using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Softmax cross-entropy with label smoothing: −Σ_k t_k·log softmax(logits)_k, t = (1−ε)·onehot + ε/K, as in PyTorch. In a
/// batch that <see cref="Mixup"/> has mixed, onehot is s times the row's own class and 1−s times its partner's.
/// Kernel: softmax_cross_entropy.
/// </summary>
public static class SoftmaxCrossEntropy
{
    /// <summary>The loss of each row, and the gradient of <paramref name="gradientScale"/> times their sum.</summary>
    /// <param name="logits">[N, 1, 1, classes].</param>
    /// <param name="labels">N class numbers.</param>
    /// <param name="share">s, or 1 for a batch that is not mixed.</param>
    /// <returns>Loss [N] and dlogits like the logits; dlogits is null if <paramref name="gradientScale"/> is 0.</returns>
    public static (Tensor Loss, Tensor? Gradient) Forward(
        Session session, Tensor logits, DeviceArray<int> labels, float smoothing, float gradientScale, float share = 1)
    {
        int rows = logits.Shape.N, classes = logits.Shape.C;
        Tensor loss = session.Rent(Shape.Vector(rows));
        Tensor? gradient = gradientScale == 0 ? null : session.Rent(logits.Shape);
        Partition partition = Partition.Of(rows, 16);
        session.Recording?.Vary("share");
        session.Grid(partition.Blocks).SoftmaxCrossEntropy(
            loss, gradient, logits, labels, rows, classes, smoothing, share, gradientScale, partition.RowsPerBlock);
        return (loss, gradient);
    }
}

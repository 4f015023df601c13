using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// The channels that the blocks of a stage hand on, or their gradients, kept by who takes them, so that channel shuffle and
/// concatenation move nothing. The first block takes what comes from outside of the stage. Kernels: stage_*.
/// </summary>
internal sealed class StageChannels : IDisposable
{
    // [later blocks · N, H, W, C/2], block by block; null where there is one block.
    private readonly Tensor? _inputs;
    private readonly int _blocks;

    /// <summary>Takes over <paramref name="outputs"/>: [N, H, W, C], what the stage ends in.</summary>
    public StageChannels(Session session, Tensor outputs, int blocks)
    {
        Outputs = outputs;
        _blocks = blocks;
        Shape input = InputShape;
        if (blocks > 1) _inputs = session.Rent(input with { N = checked(input.N * (blocks - 1)) });
    }

    public Tensor Outputs { get; }

    private Shape InputShape => Outputs.Shape.WithChannels(Outputs.Shape.C / 2);

    /// <summary>What a block but the first takes: a view [N, H, W, C/2].</summary>
    public Tensor InputOf(int block) => _inputs!.Value.View(InputShape, (block - 1) * InputShape.Count);

    /// <summary>Normalises the results of a block and hands them on.</summary>
    /// <param name="place">Of the first of them among the block's channels.</param>
    public void Scatter(Session session, int block, int place, PendingTensor results)
    {
        (int rows, int channels) = (results.Raw.Shape.Rows, results.Raw.Shape.C);
        Partition partition = Partition.Elementwise(session.Device, rows, channels);
        session.LaunchSlices(
            "stage_scatter", partition, channels, InputsAfter(block), Outputs, results.Raw, results.Statistics, rows, channels, place, _blocks - 1 - block, InputShape.C, results.Rectify, partition.RowsPerBlock);
    }

    /// <summary>
    /// Of gradients: those of what <see cref="Scatter"/> handed on, [N, H, W, channels], and the coefficients of the results' batch norm.
    /// </summary>
    public (Tensor Gradient, Tensor Coefficients) Gather(Session session, int block, int place, PendingTensor results)
    {
        (int rows, int channels) = (results.Raw.Shape.Rows, results.Raw.Shape.C);
        Tensor gradient = session.Rent(results.Raw.Shape);
        Partition slices = BatchNormalisation.Chunks(session.Device, rows, channels);
        using Tensor sums = session.Rent(new Shape(slices.Blocks, 1, 2, channels));
        session.LaunchSlices(
            "stage_gather", slices, channels, gradient, sums, InputsAfter(block), Outputs, results.Raw, results.Statistics, rows, channels, place, _blocks - 1 - block, InputShape.C, results.Rectify, slices.RowsPerBlock);
        return (gradient, BatchNormalisation.Coefficients(session, results, sums, slices.Blocks));
    }

    public void Dispose()
    {
        _inputs?.Dispose();
        Outputs.Dispose();
    }

    private KernelArgument InputsAfter(int block) => block + 1 == _blocks ? (Tensor?)null : _inputs!.Value.From(block * InputShape.Count);
}

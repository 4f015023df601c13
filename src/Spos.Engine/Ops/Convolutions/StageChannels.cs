using Spos.Engine.Autograd;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// The channels that the blocks of a stage hand on, raw, or their gradients, kept by who takes them, so that channel shuffle and
/// concatenation move nothing; and a table of each, of a few numbers a channel: statistics, or sums of gradients. The first block takes
/// what comes from outside of the stage. Kernels: stage_*.
/// </summary>
internal sealed class StageChannels : IDisposable
{
    // [later blocks · N, H, W, C/2] and [later blocks, 1, rows, C/2], block by block; null where there is one block.
    private readonly Tensor? _inputs, _tables;
    private readonly Session _session;
    private readonly int _blocks, _tableRows;

    /// <summary>Takes over <paramref name="outputs"/>: [N, H, W, C], what the stage ends in.</summary>
    public StageChannels(Session session, Tensor outputs, int blocks, int tableRows)
    {
        (_session, Outputs, _blocks, _tableRows) = (session, outputs, blocks, tableRows);
        OutputTable = session.Rent(new Shape(1, 1, tableRows, outputs.Shape.C));
        if (blocks == 1) return;
        Shape input = InputShape;
        _inputs = session.Rent(input with { N = checked(input.N * (blocks - 1)) }, outputs.ElementType);
        _tables = session.Rent(new Shape(blocks - 1, 1, tableRows, input.C));
    }

    public Tensor Outputs { get; }

    /// <summary>[1, 1, rows, C].</summary>
    public Tensor OutputTable { get; }

    private Shape InputShape => Outputs.Shape.WithChannels(Outputs.Shape.C / 2);

    /// <summary>What a block but the first takes: a view [N, H, W, C/2].</summary>
    public Tensor InputOf(int block) => _inputs!.Value.View(InputShape, (block - 1) * InputShape.Count);

    /// <summary>The table of that: a view [1, 1, rows, C/2].</summary>
    public Tensor TableOf(int block)
    {
        var shape = new Shape(1, 1, _tableRows, InputShape.C);
        return _tables!.Value.View(shape, (block - 1) * shape.Count);
    }

    /// <summary>Writes the rows of <paramref name="table"/>, of some of a block's results, to who takes these.</summary>
    /// <param name="place">Of the first of them among the block's channels.</param>
    public void ScatterTable(int block, int place, Tensor table)
    {
        int channels = table.Shape.C;
        _session.Grid(BlocksFor(channels)).StageScatter(
            TablesAfter(block), OutputTable, table, _tableRows, channels, place, BlocksAfter(block), InputShape.C);
    }

    /// <summary>The reverse: [1, 1, rows, channels].</summary>
    public Tensor GatherTable(int block, int place, int channels)
    {
        Tensor table = _session.Rent(new Shape(1, 1, _tableRows, channels));
        _session.Grid(BlocksFor(channels)).StageGather(
            table, TablesAfter(block), OutputTable, _tableRows, channels, place, BlocksAfter(block), InputShape.C);
        return table;
    }

    /// <summary>How many blocks come after one.</summary>
    public int BlocksAfter(int block) => _blocks - 1 - block;

    /// <summary>For a kernel: the inputs of the blocks after one.</summary>
    public ElementSpan? InputsAfter(int block) =>
        PartAfter(_inputs, block) is { } part ? ((ElementSpan)_inputs!.Value).From(part) : null;

    public void Dispose()
    {
        _inputs?.Dispose();
        _tables?.Dispose();
        Outputs.Dispose();
        OutputTable.Dispose();
    }

    private DeviceSpan<float>? TablesAfter(int block) => PartAfter(_tables, block) is { } part ? _tables!.Value.From(part) : null;

    // Where the blocks after one begin in an array of all but the first; null if there are none.
    private long? PartAfter(Tensor? arrays, int block) =>
        arrays is { } all && BlocksAfter(block) > 0 ? block * (all.Shape.Count / (_blocks - 1)) : null;

    private int BlocksFor(int channels) =>
        _session.Device.BlocksAreThreads ? 1 : Partition.OfRows(channels, _session.Device.ThreadsPerBlock).Blocks;
}

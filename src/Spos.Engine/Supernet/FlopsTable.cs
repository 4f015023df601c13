namespace Spos.Engine.Supernet;

/// <summary>
/// The FLOPs of every operation of a network, computed from the shapes. As in the paper one FLOP is one multiply-add of a
/// convolution or the classifier; batch norm and activations are not counted.
/// </summary>
public sealed class FlopsTable
{
    private readonly long[][] _operations;

    public FlopsTable(NetworkSpec spec)
    {
        spec.Validate();
        (long stem, _) = UnitSpec.Stem(spec.StemChannels).Cost(spec.ImageSize);
        _operations = [.. spec.BlockSpecs().Select(OperationsOf)];
        (long last, _) = UnitSpec.Pointwise(spec.StageChannels[^1], spec.LastChannels).Cost(spec.ImageSize / 32);
        Fixed = stem + last + (long)spec.LastChannels * spec.Classes;
    }

    /// <param name="operations">The cost of each operation of each block.</param>
    internal FlopsTable(long @fixed, long[][] operations)
    {
        Fixed = @fixed;
        _operations = operations;
    }

    /// <summary>What every path costs: stem, last convolution and classifier.</summary>
    public long Fixed { get; }

    /// <summary>Blocks of the network.</summary>
    public int Blocks => _operations.Length;

    /// <summary>The mean over all paths.</summary>
    public double Mean => Fixed + _operations.Sum(o => o.Average());

    /// <summary>The cost of one operation of one block.</summary>
    public long Of(int block, int choice) => _operations[block][choice];

    /// <summary>The cost of a path.</summary>
    public long Of(Architecture path) => Fixed + path.Blocks.Select((choice, block) => _operations[block][choice]).Sum();

    private static long[] OperationsOf(BlockSpec block) =>
        [.. Enum.GetValues<Choice>().Select(c => CostOf(Operation.MainUnits(block, c), block.Size) + CostOf(Operation.ProjectionUnits(block, c), block.Size))];

    private static long CostOf(IEnumerable<UnitSpec> units, int size)
    {
        long total = 0;
        foreach (UnitSpec unit in units)
        {
            (long cost, size) = unit.Cost(size);
            total += cost;
        }
        return total;
    }
}

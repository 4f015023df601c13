using Spos.Engine.Files;
using Spos.Engine.Pickles;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Pytorch;

/// <summary>
/// The FLOPs table of megvii's code, op_flops_dict.pkl, as that code and NNI's index it (megvii-model/SinglePathOneShot 36eed6c,
/// src/Supernet/flops.py; NNI v1.9, examples/nas/spos/network.py). A block's entry is found by the operation and its stride,
/// "shufflenet_3x3_stride_2", then by (input, output, middle, height, width, stride), where the input counts all channels of the block
/// before. "conv1" is the stem, by (3, output, height, width, 2). "rest_operation" stands for all that follows the blocks, and is listed
/// as if it were one layer from the last stage's channels to the classes: (640, 1000, 7, 7, 1) at the official sizes.
/// </summary>
public static class OfficialFlops
{
    private const int MostBytes = 16 << 20;

    // More than any network has, and little enough that a path's sum is exact.
    private const long MostFlops = 1_000_000_000_000_000;

    /// <summary>The table's costs of a network's operations.</summary>
    /// <exception cref="TorchCheckpointException">The file cannot be read, or lacks an operation of that network.</exception>
    public static CostTable Load(string path, NetworkSpec spec)
    {
        if (spec.BlockSet != BlockSet.ShuffleV2)
        {
            throw new TorchCheckpointException(
                $"{path}: a FLOPs table of megvii's knows the operations of {BlockSet.ShuffleV2}; the network has those of "
                + $"{spec.BlockSet}. Leave --flops-table out: FLOPs are then computed from the shapes.");
        }
        PickleDictionary table = Read(path);
        long Cost(string operation, params long[] shape)
        {
            string key = $"({string.Join(", ", shape)})";
            if (!table.TryGet(operation, out object? entries) || entries is not PickleDictionary costs)
            {
                throw new TorchCheckpointException($"{path} has no {operation}: it is not megvii's FLOPs table.");
            }
            if (!costs.TryGet(new PickleTuple([.. shape]), out object? cost))
            {
                throw new TorchCheckpointException($"{path} has no {operation} of {key}: it is not of this network's sizes.");
            }
            return cost switch
            {
                long and >= 0 and <= MostFlops => (long)cost,
                // Profilers of PyTorch's count in floating point.
                double and >= 0 and <= MostFlops when double.IsInteger((double)cost) => (long)(double)cost,
                _ => throw new TorchCheckpointException($"{path}: {operation} of {key} is no number of FLOPs."),
            };
        }

        // A block of stride 1 takes as many channels as it gives; half of them pass by.
        long[] OfBlock(BlockSpec block, IEnumerable<Alternative> alternatives) => [.. alternatives.Select(alternative => Cost(
            $"{alternative.Name}_stride_{block.Stride}",
            block.Stride == 1 ? 2 * block.Input : block.Input, block.Output, block.Middle, block.Size, block.Size, block.Stride))];
        SearchSpace space = spec.Space;
        long[][] operations = [.. spec.BlockSpecs().Select(block => OfBlock(block, space.Blocks[block.Index]))];
        long stem = Cost("conv1", 3, spec.StemChannels, spec.ImageSize, spec.ImageSize, 2);
        int last = spec.ImageSize / 32;
        return new CostTable(space, stem + Cost("rest_operation", spec.StageChannels[^1], spec.Classes, last, last, 1), operations);
    }

    private static PickleDictionary Read(string path)
    {
        try
        {
            int position = 0;
            object? value = Unpickler.Load(SmallFile.ReadBytes(path, MostBytes), ref position, new PickleObjects());
            return value as PickleDictionary ?? throw new FormatException($"it is a pickle of {Unpickler.Describe(value)}, not of a dict.");
        }
        catch (Exception error) when (error is PickleException or FormatException or IOException)
        {
            throw new TorchCheckpointException($"{path} is no FLOPs table that can be read: {Shown.Excerpt(error.Message, 200)}");
        }
    }
}

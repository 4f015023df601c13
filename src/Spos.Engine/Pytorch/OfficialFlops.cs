using Spos.Engine.Pickles;
using Spos.Engine.Supernet;

namespace Spos.Engine.Pytorch;

/// <summary>
/// The FLOPs table of megvii's code, op_flops_dict.pkl: for each operation a dict by (in, out, height, width, stride). Its
/// "rest_operation" stands for all that follows the blocks, and is listed as if it were one layer from the last stage's channels to
/// the classes: (640, 1000, 7, 7, 1) at the official sizes.
/// </summary>
public static class OfficialFlops
{
    private const int MostBytes = 64 << 20;

    private static readonly string[] Keys = ["shufflenet_3x3", "shufflenet_5x5", "shufflenet_7x7", "xception_3x3"];

    /// <summary>The table's costs of a network's operations.</summary>
    /// <exception cref="TorchCheckpointException">The file cannot be read, or lacks an operation of that network.</exception>
    public static FlopsTable Load(string path, NetworkSpec spec)
    {
        PickleDictionary table = Read(path);
        long Cost(string operation, long input, long output, long size, long stride)
        {
            var key = new PickleTuple([input, output, size, size, stride]);
            if (!table.TryGet(operation, out object? entries) || entries is not PickleDictionary costs || !costs.TryGet(key, out object? cost))
            {
                throw new TorchCheckpointException($"{path} has no {operation} of ({input}, {output}, {size}, {size}, {stride}): it is not of this network's sizes.");
            }
            return cost switch
            {
                long flops and >= 0 => flops,
                double flops and >= 0 and < 1e18 => (long)flops,
                _ => throw new TorchCheckpointException($"{path}: {operation} of ({input}, {output}, {size}, {size}, {stride}) is no number of FLOPs."),
            };
        }

        // A block of stride 1 takes as many channels as it gives; half of them pass by.
        long[][] operations =
        [
            .. spec.BlockSpecs().Select(block => (long[])[.. Keys.Select(key => Cost($"{key}_stride_{block.Stride}", block.Stride == 1 ? 2 * block.Input : block.Input, block.Output, block.Size, block.Stride))]),
        ];
        long stem = Cost("conv1", 3, spec.StemChannels, spec.ImageSize, 2);
        return new FlopsTable(stem + Cost("rest_operation", spec.StageChannels[^1], spec.Classes, spec.ImageSize / 32, 1), operations);
    }

    private static PickleDictionary Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MostBytes) throw new TorchCheckpointException($"{path} is too large for a FLOPs table.");
            int position = 0;
            return Unpickler.Load(File.ReadAllBytes(path), ref position, new PickleObjects()) as PickleDictionary ?? throw new TorchCheckpointException($"{path} is no FLOPs table: it holds no dict.");
        }
        catch (Exception error) when (error is PickleException or IOException or UnauthorizedAccessException)
        {
            throw new TorchCheckpointException($"{path} is no FLOPs table that can be read: {error.Message}.");
        }
    }
}

using System.Runtime.InteropServices;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Engine.Tensors;
using Architecture = Spos.Space.Architecture;

namespace Spos.Check;

/// <summary>The logits of a single path that PyTorch saved, for pictures in a file of floats, NHWC, to be held against PyTorch's.</summary>
internal static class LogitsRun
{
    public static int Run(Options options)
    {
        string file = options.Text("checkpoint");
        int size = options.Number("image-size", 224);
        float[] images = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(options.Text("images"))).ToArray();
        int count = images.Length / (size * size * 3);
        if (count == 0 || count * size * size * 3 != images.Length)
        {
            throw new UsageException($"--images holds {images.Length} values, no pictures of {size}×{size}.");
        }
        if (!Enum.TryParse(options.Text("plan", "fused"), ignoreCase: true, out ConvolutionPlan plan))
        {
            throw new UsageException("--plan is fused, unfused, cudnn or auto.");
        }
        using TorchCheckpoint checkpoint = TorchCheckpoint.Open(file);
        IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, file);
        (NetworkSpec spec, Architecture? path) = OfficialNetwork.Describe(tensors, size, file);
        if (path == null) throw new UsageException($"{file} holds a supernet, not a single path.");
        using var session = new Session(Device.Open(options.Device));
        ConvolutionPlanner.Of(session).Plan = plan;
        using var network = new ShuffleNetV2OneShot(session, spec, path);
        OfficialNetwork.Load(checkpoint, tensors, session, network, file);
        using Tensor input = session.Rent(new Shape(count, size, size, 3));
        input.Upload(session.Stream, images);
        using Tensor logits = network.Forward(Pass.Inference(session), input, path);
        File.WriteAllBytes(options.Text("output"), MemoryMarshal.AsBytes<float>(logits.Download(session.Stream)).ToArray());
        return 0;
    }
}

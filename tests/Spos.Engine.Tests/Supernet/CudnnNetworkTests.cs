using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Supernet;

/// <summary>Whole networks by cuDNN, the oracle of the hand-written kernels, against PyTorch.</summary>
public sealed class CudnnNetworkTests
{
    [Theory]
    [OnHostAndSimtWithCudnn(0)]
    [OnHostAndSimtWithCudnn(3)]
    public void Logits_loss_gradients_and_statistics_equal_pytorch(string device, int index) =>
        NetworkGoldenTests.Compare(device, index, ConvolutionPlan.Cudnn);
}

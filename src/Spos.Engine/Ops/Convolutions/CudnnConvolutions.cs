using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// Convolutions by cuDNN, or what stands behind its interface on the device: the unfused counterpart of the hand-written
/// kernels. Our weights lie as [y][x][in][out], cuDNN's as [out][y][x][in], so that each pass turns them round (kernel:
/// transpose).
/// </summary>
internal sealed unsafe class CudnnConvolutions : IConvolutionEngine, IDisposable
{
    private readonly Session _session;
    private readonly Cudnn _cudnn;
    private readonly nint _handle;
    private readonly Dictionary<ConvolutionShape, CudnnConvolution> _convolutions = [];

    /// <param name="cudnn">The library; by default the device's.</param>
    /// <exception cref="GpuUnavailableException">The device has no cuDNN.</exception>
    public CudnnConvolutions(Session session, Cudnn? cudnn = null)
    {
        _session = session;
        _cudnn = cudnn ?? session.Device.Cudnn;
        session.Device.MakeCurrent();
        nint handle;
        _cudnn.Check(_cudnn.Create(&handle), "cudnnCreate");
        _handle = handle;
        _cudnn.Check(_cudnn.SetStream(handle, session.Stream.Handle), "cudnnSetStream");
    }

    public string Name => "cudnn";

    /// <summary>Why cuDNN cannot be had for a pass of a convolution; null if it can.</summary>
    public string? WhyNot(in ConvolutionShape shape, ConvolutionPass pass)
    {
        try
        {
            return Of(shape).WhyNot(pass);
        }
        catch (CudnnException error) when (error.IsNotSupported)
        {
            return "not supported";
        }
    }

    public void Forward(in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight)
    {
        using Tensor filter = ToFilter(weight);
        Of(shape).Forward(y, x, filter);
    }

    public void BackwardData(in ConvolutionShape shape, Tensor dx, Tensor dy, Tensor weight)
    {
        using Tensor filter = ToFilter(weight);
        Of(shape).BackwardData(dx, dy, filter);
    }

    public void BackwardWeights(in ConvolutionShape shape, Parameter weight, Tensor dy, Tensor x)
    {
        using Tensor filter = _session.Rent(weight.Shape);
        Of(shape).BackwardFilter(filter, dy, x);
        Transposition.Launch(
            _session, weight.Gradient, filter, weight.Shape.C, (int)(weight.Shape.Count / weight.Shape.C), weight.Accumulates(_session));
    }

    public void Dispose()
    {
        foreach (CudnnConvolution convolution in _convolutions.Values) convolution.Dispose();
        _ = _session.Device.TryMakeCurrent();
        _ = _cudnn.Destroy(_handle);
    }

    private CudnnConvolution Of(in ConvolutionShape shape)
    {
        if (!_convolutions.TryGetValue(shape, out CudnnConvolution? convolution))
        {
            _convolutions[shape] = convolution = new CudnnConvolution(_session, _cudnn, _handle, shape);
        }
        return convolution;
    }

    // [taps][out] to [out][taps].
    private Tensor ToFilter(Tensor weight)
    {
        Tensor filter = _session.Rent(weight.Shape);
        Transposition.Launch(_session, filter, weight, (int)(weight.Shape.Count / weight.Shape.C), weight.Shape.C, accumulate: false);
        return filter;
    }
}

using Spos.Engine.Autograd;
using Spos.Engine.Native;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops;

/// <summary>
/// Convolutions by cuDNN (oneDNN on the host): float, NHWC, filters as [out][ky][kx][in of a group], padding kernel/2. The
/// unfused counterpart of the hand-written kernels, and what the tests hold them against.
/// </summary>
internal sealed unsafe class CudnnConvolution : IDisposable
{
    private const int Float = 0, Nhwc = 1, CrossCorrelation = 1;
    private const int ForwardAlgorithm = 1, BackwardDataAlgorithm = 1, BackwardFilterAlgorithm = 1;

    private readonly Session _session;
    private readonly Cudnn _cudnn;
    private readonly nint _handle, _x, _w, _y, _convolution;

    /// <param name="input">[N, H, W, in].</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="groups">1, or the number of channels for a depthwise convolution.</param>
    public CudnnConvolution(Session session, Shape input, int outputChannels, int kernel, int stride, int groups)
    {
        _session = session;
        _cudnn = session.Device.Cudnn;
        fixed (nint* handle = &_handle, x = &_x, w = &_w, y = &_y, convolution = &_convolution)
        {
            Check(_cudnn.Create(handle), "cudnnCreate");
            Check(_cudnn.CreateTensor(x), "cudnnCreateTensorDescriptor");
            Check(_cudnn.CreateFilter(w), "cudnnCreateFilterDescriptor");
            Check(_cudnn.CreateTensor(y), "cudnnCreateTensorDescriptor");
            Check(_cudnn.CreateConvolution(convolution), "cudnnCreateConvolutionDescriptor");
        }
        Check(_cudnn.SetStream(_handle, session.Stream.Handle), "cudnnSetStream");
        Check(_cudnn.SetTensor(_x, Nhwc, Float, input.N, input.C, input.H, input.W), "cudnnSetTensor4dDescriptor");
        Check(_cudnn.SetFilter(_w, Float, Nhwc, outputChannels, input.C / groups, kernel, kernel), "cudnnSetFilter4dDescriptor");
        Check(_cudnn.SetConvolution(_convolution, kernel / 2, kernel / 2, stride, stride, 1, 1, CrossCorrelation, Float), "cudnnSetConvolution2dDescriptor");
        Check(_cudnn.SetGroups(_convolution, groups), "cudnnSetConvolutionGroupCount");
        int n, c, h, width;
        Check(_cudnn.OutputDim(_convolution, _x, _w, &n, &c, &h, &width), "cudnnGetConvolution2dForwardOutputDim");
        Output = new Shape(n, h, width, c);
        Check(_cudnn.SetTensor(_y, Nhwc, Float, n, c, h, width), "cudnnSetTensor4dDescriptor");
    }

    /// <summary>[N, H/s, W/s, out].</summary>
    public Shape Output { get; }

    public void Forward(Tensor y, Tensor x, Tensor w) =>
        Run("cudnnConvolutionForward", _cudnn.ForwardWorkspace, _cudnn.Forward, ForwardAlgorithm, (_x, x), (_w, w), (_y, y));

    public void BackwardData(Tensor dx, Tensor dy, Tensor w) =>
        Run("cudnnConvolutionBackwardData", _cudnn.BackwardDataWorkspace, _cudnn.BackwardData, BackwardDataAlgorithm, (_w, w), (_y, dy), (_x, dx));

    public void BackwardFilter(Tensor dw, Tensor dy, Tensor x) =>
        Run("cudnnConvolutionBackwardFilter", _cudnn.BackwardFilterWorkspace, _cudnn.BackwardFilter, BackwardFilterAlgorithm, (_x, x), (_y, dy), (_w, dw));

    public void Dispose()
    {
        _ = _cudnn.DestroyConvolution(_convolution);
        _ = _cudnn.DestroyTensor(_y);
        _ = _cudnn.DestroyFilter(_w);
        _ = _cudnn.DestroyTensor(_x);
        _ = _cudnn.Destroy(_handle);
    }

    // The three convolutions take their arguments alike: two inputs, then the result.
    private void Run(
        string name,
        delegate* unmanaged<nint, nint, nint, nint, nint, int, nuint*, int> workspaceSize,
        delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int> convolve,
        int algorithm,
        (nint Descriptor, Tensor Data) first,
        (nint Descriptor, Tensor Data) second,
        (nint Descriptor, Tensor Data) result)
    {
        nuint bytes;
        Check(workspaceSize(_handle, first.Descriptor, second.Descriptor, _convolution, result.Descriptor, algorithm, &bytes), $"{name}: workspace size");
        using var workspace = new DeviceArray<byte>(_session.Pool, checked((int)bytes));
        float one = 1, zero = 0;
        Check(
            convolve(
                _handle, &one, first.Descriptor, first.Data.Address, second.Descriptor, second.Data.Address, _convolution, algorithm,
                workspace.Address, bytes, &zero, result.Descriptor, result.Data.Address),
            name);
    }

    private void Check(int status, string call) => _cudnn.Check(status, call);
}

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

    public void Forward(Tensor y, Tensor x, Tensor w)
    {
        nuint bytes;
        Check(_cudnn.ForwardWorkspace(_handle, _x, _w, _convolution, _y, ForwardAlgorithm, &bytes), "cudnnGetConvolutionForwardWorkspaceSize");
        using DeviceArray<byte> workspace = Workspace(bytes);
        float one = 1, zero = 0;
        Check(
            _cudnn.Forward(_handle, &one, _x, x.Address, _w, w.Address, _convolution, ForwardAlgorithm, workspace.Address, bytes, &zero, _y, y.Address),
            "cudnnConvolutionForward");
    }

    public void BackwardData(Tensor dx, Tensor dy, Tensor w)
    {
        nuint bytes;
        Check(_cudnn.BackwardDataWorkspace(_handle, _w, _y, _convolution, _x, BackwardDataAlgorithm, &bytes), "cudnnGetConvolutionBackwardDataWorkspaceSize");
        using DeviceArray<byte> workspace = Workspace(bytes);
        float one = 1, zero = 0;
        Check(
            _cudnn.BackwardData(_handle, &one, _w, w.Address, _y, dy.Address, _convolution, BackwardDataAlgorithm, workspace.Address, bytes, &zero, _x, dx.Address),
            "cudnnConvolutionBackwardData");
    }

    public void BackwardFilter(Tensor dw, Tensor dy, Tensor x)
    {
        nuint bytes;
        Check(_cudnn.BackwardFilterWorkspace(_handle, _x, _y, _convolution, _w, BackwardFilterAlgorithm, &bytes), "cudnnGetConvolutionBackwardFilterWorkspaceSize");
        using DeviceArray<byte> workspace = Workspace(bytes);
        float one = 1, zero = 0;
        Check(
            _cudnn.BackwardFilter(_handle, &one, _x, x.Address, _y, dy.Address, _convolution, BackwardFilterAlgorithm, workspace.Address, bytes, &zero, _w, dw.Address),
            "cudnnConvolutionBackwardFilter");
    }

    public void Dispose()
    {
        _ = _cudnn.DestroyConvolution(_convolution);
        _ = _cudnn.DestroyTensor(_y);
        _ = _cudnn.DestroyFilter(_w);
        _ = _cudnn.DestroyTensor(_x);
        _ = _cudnn.Destroy(_handle);
    }

    private DeviceArray<byte> Workspace(nuint bytes) => new(_session.Pool, checked((int)bytes));

    private void Check(int status, string call) => _cudnn.Check(status, call);
}

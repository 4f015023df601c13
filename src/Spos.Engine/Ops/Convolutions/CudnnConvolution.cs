using Spos.Engine.Autograd;
using Spos.Engine.Native;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>
/// One convolution by cuDNN: float, NHWC, filters as [out][ky][kx][in of a group], padding kernel/2, in single precision
/// (no TF32). For each pass the first algorithm that cuDNN proposes which is deterministic and fits the workspace is taken.
/// </summary>
internal sealed unsafe class CudnnConvolution : IDisposable
{
    private const int Float = 0, Nhwc = 1, CrossCorrelation = 1, FmaMath = 3, Deterministic = 1, MostAlgorithms = 8;
    private const long MostWorkspace = 256L << 20;

    private readonly Session _session;
    private readonly Cudnn _cudnn;
    private readonly nint _handle, _x, _w, _y, _convolution;
    private readonly ConvolutionShape _shape;
    private Algorithm? _forward, _backwardData, _backwardFilter;

    /// <exception cref="CudnnException">cuDNN does not have it.</exception>
    public CudnnConvolution(Session session, Cudnn cudnn, nint handle, in ConvolutionShape shape)
    {
        (_session, _cudnn, _handle, _shape) = (session, cudnn, handle, shape);
        fixed (nint* x = &_x, w = &_w, y = &_y, convolution = &_convolution)
        {
            Check(_cudnn.CreateTensor(x), "cudnnCreateTensorDescriptor");
            Check(_cudnn.CreateFilter(w), "cudnnCreateFilterDescriptor");
            Check(_cudnn.CreateTensor(y), "cudnnCreateTensorDescriptor");
            Check(_cudnn.CreateConvolution(convolution), "cudnnCreateConvolutionDescriptor");
        }
        Shape input = shape.Input, output = shape.Output;
        (int kernel, int stride) = (shape.Kernel, shape.Stride);
        Check(_cudnn.SetTensor(_x, Nhwc, Float, input.N, input.C, input.H, input.W), "cudnnSetTensor4dDescriptor");
        Check(_cudnn.SetFilter(_w, Float, Nhwc, output.C, input.C / shape.Groups, kernel, kernel), "cudnnSetFilter4dDescriptor");
        Check(_cudnn.SetConvolution(_convolution, kernel / 2, kernel / 2, stride, stride, 1, 1, CrossCorrelation, Float), "cudnnSetConvolution2dDescriptor");
        Check(_cudnn.SetGroups(_convolution, shape.Groups), "cudnnSetConvolutionGroupCount");
        Check(_cudnn.SetMathType(_convolution, FmaMath), "cudnnSetConvolutionMathType");
        Check(_cudnn.SetTensor(_y, Nhwc, Float, output.N, output.C, output.H, output.W), "cudnnSetTensor4dDescriptor");
    }

    public void Forward(Tensor y, Tensor x, Tensor filter) =>
        Run(ref _forward, "cudnnConvolutionForward", _cudnn.ForwardAlgorithms, _cudnn.Forward, (_x, x), (_w, filter), (_y, y));

    public void BackwardData(Tensor dx, Tensor dy, Tensor filter) =>
        Run(ref _backwardData, "cudnnConvolutionBackwardData", _cudnn.BackwardDataAlgorithms, _cudnn.BackwardData, (_w, filter), (_y, dy), (_x, dx));

    public void BackwardFilter(Tensor dfilter, Tensor dy, Tensor x) =>
        Run(ref _backwardFilter, "cudnnConvolutionBackwardFilter", _cudnn.BackwardFilterAlgorithms, _cudnn.BackwardFilter, (_x, x), (_y, dy), (_w, dfilter));

    public void Dispose()
    {
        _ = _cudnn.DestroyConvolution(_convolution);
        _ = _cudnn.DestroyTensor(_y);
        _ = _cudnn.DestroyFilter(_w);
        _ = _cudnn.DestroyTensor(_x);
    }

    private readonly record struct Algorithm(int Number, long WorkspaceBytes);

    // The three convolutions take their arguments alike: two inputs, then the result.
    private void Run(
        ref Algorithm? chosen,
        string name,
        delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int> list,
        delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int> convolve,
        (nint Descriptor, Tensor Data) first,
        (nint Descriptor, Tensor Data) second,
        (nint Descriptor, Tensor Data) result)
    {
        _session.Device.MakeCurrent();
        if (chosen == null)
        {
            CudnnAlgorithm* algorithms = stackalloc CudnnAlgorithm[MostAlgorithms];
            int found;
            Check(list(_handle, first.Descriptor, second.Descriptor, _convolution, result.Descriptor, MostAlgorithms, &found, algorithms), $"{name}: algorithms");
            chosen = Choose(name, new ReadOnlySpan<CudnnAlgorithm>(algorithms, found));
        }
        (int algorithm, long bytes) = chosen.Value;
        using DeviceArray<byte>? workspace = bytes > 0 ? new DeviceArray<byte>(_session.Pool, (int)bytes) : null;
        float one = 1, zero = 0;
        Check(
            convolve(
                _handle, &one, first.Descriptor, first.Data.Address, second.Descriptor, second.Data.Address, _convolution, algorithm,
                workspace?.Address ?? 0, (nuint)bytes, &zero, result.Descriptor, result.Data.Address),
            name);
    }

    private Algorithm Choose(string name, ReadOnlySpan<CudnnAlgorithm> algorithms)
    {
        foreach (ref readonly CudnnAlgorithm candidate in algorithms)
        {
            if (candidate.Status == 0 && candidate.Determinism == Deterministic && candidate.Memory <= MostWorkspace) return new Algorithm(candidate.Number, (long)candidate.Memory);
        }
        throw new CudnnException(name, $"no deterministic algorithm for {_shape}");
    }

    private void Check(int status, string call) => _cudnn.Check(status, call);
}

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
    private readonly Algorithm?[] _algorithms = new Algorithm?[3];

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
        Check(
            _cudnn.SetConvolution(_convolution, kernel / 2, kernel / 2, stride, stride, 1, 1, CrossCorrelation, Float),
            "cudnnSetConvolution2dDescriptor");
        Check(_cudnn.SetGroups(_convolution, shape.Groups), "cudnnSetConvolutionGroupCount");
        Check(_cudnn.SetMathType(_convolution, FmaMath), "cudnnSetConvolutionMathType");
        Check(_cudnn.SetTensor(_y, Nhwc, Float, output.N, output.C, output.H, output.W), "cudnnSetTensor4dDescriptor");
    }

    /// <summary>
    /// Why cuDNN cannot be had for a pass: it has no deterministic algorithm for this shape, or none at all; null if it can.
    /// </summary>
    /// <exception cref="CudnnException">cuDNN fails otherwise.</exception>
    public string? WhyNot(ConvolutionPass pass) => Find(pass).WhyNot;

    public void Forward(Tensor y, Tensor x, Tensor filter) =>
        Run(ConvolutionPass.Forward, _cudnn.Forward, (_x, x), (_w, filter), (_y, y));

    public void BackwardData(Tensor dx, Tensor dy, Tensor filter) =>
        Run(ConvolutionPass.BackwardData, _cudnn.BackwardData, (_w, filter), (_y, dy), (_x, dx));

    public void BackwardFilter(Tensor dfilter, Tensor dy, Tensor x) =>
        Run(ConvolutionPass.BackwardWeights, _cudnn.BackwardFilter, (_x, x), (_y, dy), (_w, dfilter));

    /// <summary>The first of cuDNN's proposals that is deterministic and fits the workspace.</summary>
    internal static Algorithm Choose(ReadOnlySpan<CudnnAlgorithm> algorithms)
    {
        foreach (ref readonly CudnnAlgorithm candidate in algorithms)
        {
            if (candidate.Status == 0 && candidate.Determinism == Deterministic && candidate.Memory <= MostWorkspace)
            {
                return new Algorithm(candidate.Number, (long)candidate.Memory, null);
            }
        }
        return new Algorithm(0, 0, "no deterministic algorithm");
    }

    public void Dispose()
    {
        _ = _cudnn.DestroyConvolution(_convolution);
        _ = _cudnn.DestroyTensor(_y);
        _ = _cudnn.DestroyFilter(_w);
        _ = _cudnn.DestroyTensor(_x);
    }

    /// <summary>What computes a pass, or why there is nothing.</summary>
    internal readonly record struct Algorithm(int Number, long WorkspaceBytes, string? WhyNot);

    private Algorithm Find(ConvolutionPass pass)
    {
        if (_algorithms[(int)pass] is { } known) return known;
        _session.Device.MakeCurrent();
        delegate* unmanaged<nint, nint, nint, nint, nint, int, int*, CudnnAlgorithm*, int> list = pass switch
        {
            ConvolutionPass.Forward => _cudnn.ForwardAlgorithms,
            ConvolutionPass.BackwardData => _cudnn.BackwardDataAlgorithms,
            _ => _cudnn.BackwardFilterAlgorithms,
        };
        (nint first, nint second, nint result) = pass switch
        {
            ConvolutionPass.Forward => (_x, _w, _y),
            ConvolutionPass.BackwardData => (_w, _y, _x),
            _ => (_x, _y, _w),
        };
        CudnnAlgorithm* algorithms = stackalloc CudnnAlgorithm[MostAlgorithms];
        int found;
        Algorithm chosen;
        try
        {
            Check(
                list(_handle, first, second, _convolution, result, MostAlgorithms, &found, algorithms),
                $"cuDNN's algorithms for {pass} of {_shape}");
            chosen = Choose(new ReadOnlySpan<CudnnAlgorithm>(algorithms, found));
        }
        catch (CudnnException error) when (error.IsNotSupported)
        {
            chosen = new Algorithm(0, 0, "not supported");
        }
        _algorithms[(int)pass] = chosen;
        return chosen;
    }

    // The three convolutions take their arguments alike: two inputs, then the result.
    private void Run(
        ConvolutionPass pass,
        delegate* unmanaged<nint, float*, nint, ulong, nint, ulong, nint, int, ulong, nuint, float*, nint, ulong, int> convolve,
        (nint Descriptor, Tensor Data) first,
        (nint Descriptor, Tensor Data) second,
        (nint Descriptor, Tensor Data) result)
    {
        (int algorithm, long bytes, string? whyNot) = Find(pass);
        if (whyNot != null) throw new CudnnException(NameOf(pass), whyNot, 0);
        using DeviceArray<byte>? workspace = bytes > 0 ? new DeviceArray<byte>(_session.Pool, (int)bytes) : null;
        _session.Call([first.Data.Address, second.Data.Address, workspace?.Address ?? 0, result.Data.Address], addresses =>
        {
            float one = 1, zero = 0;
            int status = convolve(
                _handle, &one, first.Descriptor, addresses[0], second.Descriptor, addresses[1], _convolution, algorithm,
                addresses[2], (nuint)bytes, &zero, result.Descriptor, addresses[3]);
            if (status != 0) Check(status, NameOf(pass));
            if (_session.Device.IsSynchronous) _session.Stream.Settle(NameOf(pass));
        });
    }

    private string NameOf(ConvolutionPass pass) => $"cuDNN's {pass} of {_shape}";

    private void Check(int status, string call) => _cudnn.Check(status, call);
}

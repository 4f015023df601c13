using Spos.Engine.Nn;
using Spos.Engine.Tensors;

namespace Spos.Engine.Ops.Convolutions;

/// <summary>A way to compute convolutions. Results are overwritten, and all tensors have the shapes that the convolution's has.</summary>
internal interface IConvolutionEngine
{
    /// <summary>What plans and tables call it.</summary>
    string Name { get; }

    void Forward(in ConvolutionShape shape, Tensor y, Tensor x, Tensor weight);

    void BackwardData(in ConvolutionShape shape, Tensor dx, Tensor dy, Tensor weight);

    /// <summary>Adds to the gradient of <paramref name="weight"/>, or begins it.</summary>
    void BackwardWeights(in ConvolutionShape shape, Parameter weight, Tensor dy, Tensor x);
}

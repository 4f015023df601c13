using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Providers.LinearAlgebra;

namespace Spos.Space;

/// <summary>
/// The library's own arithmetic, whatever MathNetNumericsLAProvider of the environment asks for: the bits are the same everywhere, and no
/// native library is looked for.
/// </summary>
internal static class ManagedAlgebra
{
    static ManagedAlgebra() => LinearAlgebraControl.UseManaged();

    /// <summary>Makes matrices; all that is computed begins with one.</summary>
    public static MatrixBuilder<double> Matrices { get; } = Matrix<double>.Build;
}

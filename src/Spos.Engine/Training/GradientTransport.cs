namespace Spos.Engine.Training;

/// <summary>What carries gradients between the processes that train together. The bits are the same.</summary>
public enum GradientTransport
{
    /// <summary>NCCL where all of them can, else MPI.</summary>
    Auto,

    /// <summary>MPI, through the CPU's memory.</summary>
    Mpi,

    /// <summary>NVIDIA's NCCL, from GPU to GPU.</summary>
    Nccl,
}

namespace Spos.Engine.Native;

/// <summary>One of NVIDIA's libraries.</summary>
/// <param name="Title">What people call it.</param>
/// <param name="Names">Its file names, those of newer versions first.</param>
/// <param name="WithoutIt">What cannot be done where it is missing.</param>
internal sealed record NvidiaLibrary(string Title, IReadOnlyList<string> Names, string WithoutIt)
{
    public static readonly NvidiaLibrary Driver = new("driver", ["libcuda.so.1"], "no NVIDIA GPU can be used");

    // CUDA 13 and 12 name it by the major version; all of 11.2 and later kept one name. Folders of toolkits have the plain name too.
    public static readonly NvidiaLibrary Nvrtc = new(
        "NVRTC", ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"],
        "kernels cannot be compiled, so that a GPU can be used only if compiled kernels for it came with the program");

    public static readonly NvidiaLibrary Cudnn = new(
        "cuDNN", ["libcudnn.so.9"],
        "--plan cudnn stops, and --plan auto takes the hand-written kernels; --plan fused, the default, needs none");

    public static readonly NvidiaLibrary Npp = new(
        "NPP", ["libnppicc.so.13", "libnppicc.so.12", "libnppicc.so.11"],
        "tests cannot compare the colours of JPEGs with it; nothing else needs it");

    public static readonly NvidiaLibrary NvJpeg = new(
        "nvJPEG", ["libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so.11"],
        "--decoder nvjpeg stops; --decoder spos, the default, needs none");

    public static readonly NvidiaLibrary Nccl = new(
        "NCCL", ["libnccl.so.2"],
        "--transport nccl stops; --transport auto has several processes send gradients by MPI, through the CPU's memory");

    public static IReadOnlyList<NvidiaLibrary> All { get; } = [Driver, Nvrtc, Cudnn, NvJpeg, Nccl, Npp];
}

namespace Spos.Engine.Data;

/// <summary>What decodes JPEGs.</summary>
public enum JpegDecoder
{
    /// <summary>libjpeg-turbo's entropy decoder on the CPU, and our kernels: libjpeg-turbo's pixels, bit for bit.</summary>
    Spos,

    /// <summary>NVIDIA's library on a GPU: other pixels by a few levels. What it refuses, <see cref="Spos"/> decodes.</summary>
    NvJpeg,
}

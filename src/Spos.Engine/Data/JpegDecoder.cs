namespace Spos.Engine.Data;

/// <summary>What decodes JPEGs.</summary>
public enum JpegDecoder
{
    /// <summary>Our entropy decoder on the CPU, or libjpeg-turbo's, and our kernels: libjpeg-turbo's pixels, bit for bit.</summary>
    Spos,

    /// <summary>NVIDIA's library on a GPU: other pixels by a few levels. What it refuses, <see cref="Spos"/> decodes.</summary>
    NvJpeg,
}

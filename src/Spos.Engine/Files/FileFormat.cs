namespace Spos.Engine.Files;

/// <summary>What a file is by its content, whatever its name.</summary>
public enum FileFormat
{
    /// <summary>Bytes that tell nothing.</summary>
    Unknown,
    Empty,

    /// <summary>Nothing but zeros, as far as was looked.</summary>
    Zeros,

    /// <summary>A text in UTF-8 of no kind that is known.</summary>
    Text,

    // Pictures that are read.
    Jpeg,
    Png,
    Gif,
    Bmp,
    WebP,

    // Networks.
    SposCheckpoint,

    /// <summary>What torch.save writes since PyTorch 1.6: a zip archive that begins with its pickle.</summary>
    TorchArchive,

    /// <summary>What torch.save wrote before: a stream of pickles.</summary>
    TorchStream,
    Safetensors,
    Onnx,
    NumpyArray,
    Hdf5,

    // Archives.
    Zip,
    EmptyZip,
    Tar,
    Gzip,
    Xz,
    Bzip2,
    Zstd,
    SevenZip,
    Rar,

    // Pictures and videos that are not read.
    DamagedJpeg,
    Tiff,
    Jpeg2000,
    JpegXl,
    Avif,
    Heic,
    Video,
    Photoshop,
    Icon,
    Pbm,
    Pgm,
    Ppm,
    Riff,

    // Texts and documents.
    Html,
    Xml,
    Svg,
    Pdf,

    /// <summary>What git-lfs leaves in place of a large file.</summary>
    LfsPointer,

    /// <summary>A program or library.</summary>
    Elf,
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using MessagePack;
using Spos.Engine.Files;

namespace Spos.Engine.Data;

/// <summary>Where a picture's pixels lie in a cache: rows from the top, <see cref="PackedPixels"/>.</summary>
/// <param name="Offset">Of its first byte in the file of pixels.</param>
/// <param name="Width">0 where the cache does not have the picture, for it cannot be decoded: its own file is read then.</param>
/// <param name="Checksum">XXH3 of the pixels, of 64 bits.</param>
/// <param name="Warning">What damage the decoder painted over, in its words; null if none.</param>
[MessagePackObject]
public readonly record struct CachedPicture(
    [property: Key(0)] long Offset, [property: Key(1)] int Width, [property: Key(2)] int Height, [property: Key(3)] ulong Checksum,
    [property: Key(4)] string? Warning)
{
    /// <summary>Of the pixels.</summary>
    [IgnoreMember]
    public long Bytes => (long)Width * Height * PackedPixels.BytesPerPixel;
}

/// <summary>
/// The index of a cache of decoded pictures: of what pictures it is, and where each lies. A file has the magic SPOSPICS, the length of the
/// rest but the checksum (64-bit, little-endian), that in MessagePack, and SHA-256 of all before.
/// </summary>
[MessagePackObject]
public sealed record CacheIndex
{
    /// <summary>The only format that there is. Where pictures are decoded to other pixels, a new one begins.</summary>
    public const int CurrentVersion = 1;

    private const int MostBytes = 1 << 30;

    private static readonly MessagePackSerializerOptions Untrusted =
        MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData);

    [Key("version")]
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The most pixels of pictures' shorter side: larger ones are shrunk. Null for pictures as they are.</summary>
    [Key("short_side")]
    public int? ShortSide { get; init; }

    /// <summary>The data set whose pictures they are.</summary>
    [Key("data")]
    public required DataSetIdentity Data { get; init; }

    /// <summary>In the order of the data set: all of a whole cache, the first ones of an unfinished one.</summary>
    [Key("pictures")]
    public required CachedPicture[] Pictures { get; init; }

    /// <summary>How many pictures the data set has.</summary>
    [IgnoreMember]
    public int Total => Data.Classes.Sum(c => c.Pictures);

    /// <summary>Whether all pictures are in the cache that can be.</summary>
    [IgnoreMember]
    public bool IsWhole => Pictures.Length == Total;

    /// <summary>Of the file of pixels, as far as the index tells of it.</summary>
    [IgnoreMember]
    public long Bytes => Pictures.Length == 0 ? 0 : Pictures[^1].Offset + Pictures[^1].Bytes;

    private static ReadOnlySpan<byte> Magic => "SPOSPICS"u8;

    private static int HeadBytes => Magic.Length + sizeof(long);

    /// <summary>Replaces a file.</summary>
    /// <exception cref="WriteException">It could not be written; what was there before is as it was.</exception>
    public void Write(string path)
    {
        byte[] packed = MessagePackSerializer.Serialize(this), file = new byte[HeadBytes + packed.Length + SHA256.HashSizeInBytes];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(Magic.Length), packed.Length);
        packed.CopyTo(file, HeadBytes);
        SHA256.HashData(file.AsSpan(0, HeadBytes + packed.Length), file.AsSpan(HeadBytes + packed.Length));
        AtomicFile.Write(path, stream => stream.Write(file));
    }

    /// <exception cref="FormatException">
    /// It is no whole index, or one that makes no sense; the message is the end of a sentence.
    /// </exception>
    /// <exception cref="UnreadableFileException">It cannot be read.</exception>
    public static CacheIndex Read(string path)
    {
        byte[] file = RegularFile.Read(FilePath.Of(path), MostBytes);
        if (!file.AsSpan().StartsWith(Magic) || file.Length < HeadBytes) throw new FormatException("is not the index of a cache");
        long length = BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(Magic.Length)), end = file.Length - SHA256.HashSizeInBytes;
        if (length < 0 || length != end - HeadBytes) throw new FormatException("is cut short");
        if (!SHA256.HashData(file.AsSpan(0, (int)end)).AsSpan().SequenceEqual(file.AsSpan((int)end)))
        {
            throw new FormatException("is damaged: its checksum is another");
        }
        try
        {
            // MessagePack's nil is no index.
            CacheIndex index = MessagePackSerializer.Deserialize<CacheIndex?>(file.AsMemory(HeadBytes, (int)length), Untrusted)
                ?? throw new FormatException("is damaged");
            if (index.Version != CurrentVersion)
            {
                throw new FormatException($"has format version {index.Version}, and this program reads version {CurrentVersion}");
            }
            return index.MakesSense ? index : throw new FormatException("is damaged: it makes no sense");
        }
        catch (MessagePackSerializationException)
        {
            throw new FormatException("is damaged");
        }
    }

    // What is read by it lies within the file of pixels, and needs no more memory than a picture may.
    private bool MakesSense
    {
        get
        {
            if (Data is not { Digest: not null, Classes: { } classes } || Pictures == null) return false;
            if (Array.Exists(classes, c => c is not { Name: not null, Digest: not null, Pictures: >= 0 })) return false;
            if (classes.Sum(c => (long)c.Pictures) is var total && (total > int.MaxValue || Pictures.Length > total)) return false;
            long offset = 0;
            foreach (CachedPicture picture in Pictures)
            {
                (long next, int width, int height, _, _) = picture;
                if (next != offset || width < 0 || height < 0 || (width == 0) != (height == 0)) return false;
                if ((long)width * height > CompressedPicture.MostPixels) return false;
                offset += picture.Bytes;
            }
            return true;
        }
    }
}

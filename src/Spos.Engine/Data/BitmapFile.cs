using System.Buffers.Binary;

namespace Spos.Engine.Data;

/// <summary>
/// Windows and OS/2 bitmaps (BMP): 1, 4 and 8 bits with a palette, plain or run-length encoded, and 16, 24 and 32 bits, to pixels of
/// 4 bytes (red, green, blue, 0) as Pillow gives them. A format of plain rows behind a header; every index is checked.
/// </summary>
internal ref struct BitmapFile
{
    private const int FileHeader = 14, LargestPalette = 1 << 16;
    private const uint Plain = 0, Rle8 = 1, Rle4 = 2, BitFields = 3;

    // Those that Pillow takes: where red, green and blue lie.
    private static readonly (int Bits, uint Red, uint Green, uint Blue)[] Layouts =
        [
            (32, 0xFF0000, 0xFF00, 0xFF), (32, 0xFF000000, 0xFF0000, 0xFF00), (32, 0xFF, 0xFF00, 0xFF0000), (24, 0xFF0000, 0xFF00, 0xFF),
            (16, 0xF800, 0x7E0, 0x1F), (16, 0x7C00, 0x3E0, 0x1F),
        ];

    private readonly ReadOnlySpan<byte> _file;
    private readonly bool _topDown;
    private readonly int _bits;
    private readonly uint _compression;
    private readonly ReadOnlySpan<byte> _data;
    private readonly (int Bits, uint Red, uint Green, uint Blue) _layout;
    private readonly byte[] _palette = [];

    /// <exception cref="InvalidDataException">A header that is damaged, or of a kind that is not read.</exception>
    public BitmapFile(ReadOnlySpan<byte> file, long mostPixels)
    {
        _file = file;
        long offset = ReadUInt32(10), header = ReadUInt32(FileHeader), colours = 0, width, height;
        bool os2 = header == 12;
        if (os2)
        {
            (width, height, _bits) = (ReadUInt16(18), ReadUInt16(20), ReadUInt16(24));
        }
        else if (header is 40 or 64 or 108 or 124)
        {
            (width, height, _bits) = (ReadUInt32(18), ReadUInt32(22), ReadUInt16(28));
            (_compression, colours) = (ReadUInt32(30), ReadUInt32(46));
            // A negative height: rows from the top.
            _topDown = height >> 24 == 0xFF;
            if (_topDown) height = (1L << 32) - height;
        }
        else
        {
            throw new InvalidDataException($"unsupported: its header has {header} bytes");
        }
        if (width == 0 || height == 0) throw new InvalidDataException("the picture is empty");
        if (width > int.MaxValue || height > mostPixels / width)
        {
            throw new InvalidDataException("unsupported: too many pixels, or too many for so small a file");
        }
        (Width, Height) = ((int)width, (int)height);
        long end = FileHeader + header;
        _layout = LayoutOf(ref end, header);
        if (_bits <= 8)
        {
            if (colours == 0) colours = 1 << _bits;
            if (colours > LargestPalette) throw new InvalidDataException($"unsupported: a palette of {colours} colours");
            int entry = os2 ? 3 : 4;
            if (offset == FileHeader + header) offset += 4 * colours;
            _palette = ReadPalette(end, (int)colours, entry);
            end += colours * entry;
        }
        long start = offset == 0 ? end : offset;
        _data = start < file.Length ? file[(int)start..] : [];
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Writes <see cref="Width"/> · <see cref="Height"/> pixels, 4 bytes each, rows from the top.</summary>
    /// <exception cref="InvalidDataException">There is too little data.</exception>
    public readonly void Decode(Span<byte> pixels)
    {
        if (_compression is Rle8 or Rle4) DecodeRuns(pixels);
        else DecodeRows(pixels);
    }

    private readonly (int Bits, uint Red, uint Green, uint Blue) LayoutOf(ref long end, long header)
    {
        bool indexed = _bits is 1 or 4 or 8;
        switch (_compression)
        {
            case Plain when indexed:
            case Rle8 or Rle4 when indexed:
                return default;
            case Plain when _bits is 16 or 24 or 32:
                return Layouts[_bits switch { 32 => 0, 24 => 3, _ => 5 }];
            case BitFields when !indexed:
                // Within the longer headers, else behind the header.
                (uint red, uint green, uint blue) = (ReadUInt32(54), ReadUInt32(58), ReadUInt32(62));
                if (header == 40) end += 12;
                if (_bits == 32 && (red, green, blue) == (0, 0, 0)) return Layouts[0];
                int found = Array.IndexOf(Layouts, (_bits, red, green, blue));
                if (found >= 0) return Layouts[found];
                throw new InvalidDataException("unsupported: an unusual layout of its colours' bits");
            default:
                throw new InvalidDataException($"unsupported: {_bits} bits a pixel with compression {_compression}");
        }
    }

    private readonly void DecodeRows(Span<byte> pixels)
    {
        int stride = (int)(((long)Width * _bits + 31) / 32 * 4), needed = (int)(((long)Width * _bits + 7) / 8);
        for (int y = 0; y < Height; y++)
        {
            long start = (long)y * stride;
            if (start + needed > _data.Length)
            {
                throw new InvalidDataException("the file is cut short: its data ends before the picture does");
            }
            ReadOnlySpan<byte> source = _data.Slice((int)start, needed);
            Span<byte> row = RowOf(pixels, y);
            for (int x = 0; x < Width; x++)
            {
                Span<byte> pixel = row.Slice(4 * x, 4);
                if (_bits > 8)
                {
                    Store(pixel, source.Slice(x * (_bits / 8), _bits / 8));
                    continue;
                }
                (long at, long bit) = Math.DivRem((long)x * _bits, 8);
                Store(pixel, source[(int)at] >> (8 - _bits - (int)bit) & ((1 << _bits) - 1));
            }
        }
    }

    // Row y of those in the file.
    private readonly Span<byte> RowOf(Span<byte> pixels, int y) => pixels.Slice((_topDown ? y : Height - 1 - y) * 4 * Width, 4 * Width);

    private readonly void Store(Span<byte> pixel, int index)
    {
        _palette.AsSpan(3 * index, 3).CopyTo(pixel);
        pixel[3] = 0;
    }

    private readonly void Store(Span<byte> pixel, ReadOnlySpan<byte> source)
    {
        uint value = 0;
        for (int i = 0; i < source.Length; i++) value |= (uint)source[i] << (8 * i);
        pixel[0] = Level(value, _layout.Red);
        pixel[1] = Level(value, _layout.Green);
        pixel[2] = Level(value, _layout.Blue);
        pixel[3] = 0;
    }

    // The bits of a mask, brought to 0 … 255 and rounded down.
    private static byte Level(uint value, uint mask)
    {
        int shift = System.Numerics.BitOperations.TrailingZeroCount(mask);
        return (byte)(((value & mask) >> shift) * 255 / (mask >> shift));
    }

    // Pairs of a count and a value; after a count of 0: the end of a row (0) or of the picture (1), a move (2), or plain values.
    // What is passed over becomes index 0.
    private readonly void DecodeRuns(Span<byte> pixels)
    {
        bool nibbles = _compression == Rle4;
        long total = (long)Width * Height, written = 0;
        int column = 0, at = 0;
        for (long i = 0; i < total; i++) Put(pixels, i, 0);
        while (written < total)
        {
            if (at + 2 > _data.Length) break;
            (int count, byte value) = (_data[at], _data[at + 1]);
            at += 2;
            if (count > 0)
            {
                count = Math.Min(count, Math.Max(0, Width - column));
                for (int i = 0; i < count; i++) Put(pixels, written + i, nibbles ? i % 2 == 0 ? value >> 4 : value & 15 : value);
                written += count;
                column += count;
            }
            else if (value == 0)
            {
                written = (written + Width - 1) / Width * Width;
                column = 0;
            }
            else if (value == 1)
            {
                break;
            }
            else if (value == 2)
            {
                if (at + 2 > _data.Length) break;
                written += _data[at] + (long)_data[at + 1] * Width;
                at += 2;
                column = (int)(written % Width);
            }
            else
            {
                int bytes = nibbles ? value / 2 : value;
                int there = Math.Min(bytes, _data.Length - at);
                for (int i = 0; i < there; i++)
                {
                    int read = _data[at + i];
                    if (nibbles) Put(pixels, written++, read >> 4);
                    Put(pixels, written++, nibbles ? read & 15 : read);
                }
                if (there < bytes) break;
                at += bytes;
                column += value;
                // Plain values end on an even byte of the file.
                if ((_file.Length - _data.Length + at) % 2 != 0) at++;
            }
        }
        if (written < total) throw new InvalidDataException("damaged: its data ends before the picture does");
    }

    private readonly void Put(Span<byte> pixels, long index, int value)
    {
        if (index < (long)Width * Height) Store(RowOf(pixels, (int)(index / Width)).Slice((int)(index % Width) * 4, 4), value);
    }

    // 256 colours, red first; entries that the file leaves out are greys.
    private readonly byte[] ReadPalette(long start, int colours, int entry)
    {
        byte[] palette = new byte[3 * 256];
        for (int i = 0; i < 256; i++)
        {
            long at = start + (long)i * entry;
            bool there = i < colours && at + 3 <= _file.Length;
            for (int c = 0; c < 3; c++) palette[3 * i + c] = there ? _file[(int)at + 2 - c] : (byte)i;
        }
        return palette;
    }

    private readonly ushort ReadUInt16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(HeaderAt(at, 2));

    private readonly uint ReadUInt32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(HeaderAt(at, 4));

    private readonly ReadOnlySpan<byte> HeaderAt(int at, int length) =>
        at + length <= _file.Length
            ? _file.Slice(at, length)
            : throw new InvalidDataException("the file is cut short: it ends within its header");
}

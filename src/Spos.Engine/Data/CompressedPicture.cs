using System.Buffers;
using System.Text;
using Spos.Engine.Native;

namespace Spos.Engine.Data;

/// <summary>A JPEG after entropy decoding: quantised coefficients and their tables. Disposing returns its memory.</summary>
internal sealed class CompressedPicture : IDisposable
{
    // The shared pool keeps too few for the batches that are on their way, and fresh arrays are cleared first.
    private static readonly ArrayPool<short> Pool = ArrayPool<short>.Create(1 << 29, 256);

    private short[]? _coefficients;

    private CompressedPicture(JpegHeader header, short[] coefficients, int length, ushort[] quantisation)
    {
        Header = header;
        _coefficients = coefficients;
        Length = length;
        Quantisation = quantisation;
    }

    public JpegHeader Header { get; }

    /// <summary>Coefficients in all.</summary>
    public int Length { get; }

    public ReadOnlySpan<short> Coefficients => _coefficients.AsSpan(0, Length);

    /// <summary>Three tables of 64.</summary>
    public ushort[] Quantisation { get; }

    /// <exception cref="DataException">The bytes are not a whole JPEG of a supported kind.</exception>
    public static unsafe CompressedPicture Decode(byte[] file, string name)
    {
        byte* message = stackalloc byte[JpegLibrary.MessageSize];
        nint decoder = 0;
        fixed (byte* data = file)
        {
            JpegHeader header;
            try
            {
                if (JpegLibrary.Open(data, (nuint)file.Length, &decoder, &header, message) != 0) throw Error(name, message);
                int length = 0;
                for (int c = 0; c < header.Components; c++) length = checked(length + header.PlaneAt(c).BlocksWide * header.PlaneAt(c).BlocksHigh * 64);
                short[] coefficients = Pool.Rent(length);
                ushort[] quantisation = new ushort[3 * 64];
                fixed (short* target = coefficients)
                fixed (ushort* tables = quantisation)
                {
                    if (JpegLibrary.Read(decoder, target, (nuint)length, tables, message) != 0)
                    {
                        Pool.Return(coefficients);
                        throw Error(name, message);
                    }
                }
                return new CompressedPicture(header, coefficients, length, quantisation);
            }
            finally
            {
                if (decoder != 0) JpegLibrary.Close(decoder);
            }
        }
    }

    public void Dispose()
    {
        if (_coefficients == null) return;
        Pool.Return(_coefficients);
        _coefficients = null;
    }

    private static unsafe DataException Error(string name, byte* message) =>
        new($"{name}: not a usable JPEG: {Encoding.UTF8.GetString(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(message))}");
}

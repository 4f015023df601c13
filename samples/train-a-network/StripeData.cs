using System.Buffers.Binary;
using Spos.Engine.Data;

namespace Spos.Samples;

/// <summary>Draws data sets of noisy stripes in three directions, as BMP files; a class is a direction. Disposing removes them.</summary>
/// <param name="size">Height and width of a picture.</param>
internal sealed class StripeData(int size) : IDisposable
{
    private const int HeaderBytes = 54;

    private static readonly (string Name, int Right, int Down)[] Directions = [("across", 0, 1), ("along", 1, 0), ("aslant", 1, 1)];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("spos-sample-");
    private readonly Random _random = new(1);

    /// <summary>Draws a data set and opens it.</summary>
    public ImageFolder Draw(string name, int ofEachClass)
    {
        foreach ((string direction, int right, int down) in Directions)
        {
            DirectoryInfo folder = _folder.CreateSubdirectory(Path.Combine(name, direction));
            for (int i = 0; i < ofEachClass; i++) File.WriteAllBytes(Path.Combine(folder.FullName, $"{i}.bmp"), Picture(right, down));
        }
        return ImageFolder.Open(Path.Combine(_folder.FullName, name));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    // A BMP file of 24 bits a pixel.
    private byte[] Picture(int right, int down)
    {
        byte[] file = new byte[HeaderBytes + size * size * 3];
        "BM"u8.CopyTo(file);
        (int Place, int Value)[] header = [(2, file.Length), (10, HeaderBytes), (14, 40), (18, size), (22, size), (26, 1 | (24 << 16))];
        foreach ((int place, int value) in header)
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(place), value);
        }
        double phase = _random.NextDouble() * size;
        for (int p = 0; p < size * size * 3; p++)
        {
            double wave = Math.Sin(0.8 * (p / 3 % size * right + p / 3 / size * down + phase));
            file[HeaderBytes + p] = (byte)(128 + 60 * wave + _random.Next(-60, 61));
        }
        return file;
    }
}

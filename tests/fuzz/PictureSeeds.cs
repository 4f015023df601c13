using System.Text.Json;
using SkiaSharp;

namespace Spos.Fuzz;

/// <summary>Whole pictures of every format that is read: those of the fixtures, and some that a library makes.</summary>
internal static class PictureSeeds
{
    private const int Width = 24, Height = 17;

    private static readonly string[] Endings = [".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp"];

    public static IEnumerable<byte[]> All() =>
        Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "fixtures"), "*", SearchOption.AllDirectories)
            .Where(file => Endings.Contains(Path.GetExtension(file).ToLowerInvariant()))
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes)
            .Concat(Golden()).Concat(Made());

    // Small ones of every kind, BMP included, which no native decoder reads.
    private static IEnumerable<byte[]> Golden() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "picture_golden.json"))).RootElement
            .EnumerateArray()
            .Select(row => row.GetProperty("file").GetBytesFromBase64()).Where(file => file.Length > 0);

    private static IEnumerable<byte[]> Made()
    {
        using var bitmap = new SKBitmap(Width, Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                bitmap.SetPixel(x, y, new SKColor((byte)(x * 10), (byte)(y * 15), (byte)(x * y), (byte)(255 - x)));
            }
        }
        foreach ((SKEncodedImageFormat format, int quality) in new[]
        {
            (SKEncodedImageFormat.Jpeg, 90), (SKEncodedImageFormat.Jpeg, 20), (SKEncodedImageFormat.Png, 100),
            (SKEncodedImageFormat.Webp, 80), (SKEncodedImageFormat.Webp, 100),
        })
        {
            using SKData data = bitmap.Encode(format, quality);
            yield return data.ToArray();
        }
    }
}

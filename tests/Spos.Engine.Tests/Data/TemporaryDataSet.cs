using SkiaSharp;

namespace Spos.Engine.Tests.Data;

/// <summary>A folder of small JPEGs in classes, removed at the end.</summary>
internal sealed class TemporaryDataSet : IDisposable
{
    public TemporaryDataSet(int classes, int perClass, int size = 32)
    {
        Root = Directory.CreateTempSubdirectory("spos-test-").FullName;
        for (int c = 0; c < classes; c++)
        {
            for (int i = 0; i < perClass; i++)
            {
                Add(
                    $"class{c}/{i:D3}.jpg",
                    JpegTests.Encode(size, size + c, SKJpegEncoderDownsample.Downsample420, 85, (ulong)(c * 1000 + i)));
            }
        }
    }

    public string Root { get; }

    public void Add(string name, byte[] bytes)
    {
        string path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

using SkiaSharp;

namespace Spos.Cli.Drawing;

/// <summary>Draws one shape, textured and rotated, over a noisy background, as a JPEG.</summary>
internal static class ShapeDrawer
{
    private const int Quality = 90;

    /// <summary>The classes, in the order of their labels.</summary>
    public static IReadOnlyList<string> Classes { get; } =
        ["arrow", "bars", "circle", "crescent", "cross", "heart", "hexagon", "ring", "star", "triangle"];

    /// <summary>The picture of that number; the same for the same arguments.</summary>
    /// <param name="difficulty">0: clean and bright; 1: faint, small and noisy.</param>
    public static byte[] Draw(int label, int size, float difficulty, ulong seed, ulong number)
    {
        var random = new CounterRandom(seed, RandomPurpose.Drawing, number);
        using var bitmap = new SKBitmap(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using (var canvas = new SKCanvas(bitmap))
        {
            SKColor background = AnyColour(random);
            canvas.Clear(background);
            Clutter(canvas, size, difficulty, random);
            float radius = size * random.NextUniform(0.36f - 0.12f * difficulty, 0.44f);
            float slack = size * 0.46f - radius;
            canvas.Translate(size / 2f + random.NextUniform(-slack, slack), size / 2f + random.NextUniform(-slack, slack));
            canvas.RotateDegrees(random.NextUniform(-25, 25));
            canvas.Scale(radius);
            using SKPath path = Outline(Classes[label]);
            using SKPaint paint = Texture(background, difficulty, random);
            canvas.DrawPath(path, paint);
        }
        AddNoise(bitmap, 8 + 56 * difficulty, random);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return data.ToArray();
    }

    private static SKColor AnyColour(CounterRandom random) =>
        new((byte)random.NextInt(256), (byte)random.NextInt(256), (byte)random.NextInt(256));

    // Short lines that look like parts of shapes.
    private static void Clutter(SKCanvas canvas, int size, float difficulty, CounterRandom random)
    {
        int lines = (int)(12 * difficulty);
        for (int i = 0; i < lines; i++)
        {
            using var paint =
                new SKPaint { Color = AnyColour(random), StrokeWidth = random.NextUniform(1, size / 20f), IsAntialias = true };
            float x = random.NextUniform(0, size), y = random.NextUniform(0, size), reach = size * 0.2f;
            canvas.DrawLine(x, y, x + random.NextUniform(-reach, reach), y + random.NextUniform(-reach, reach), paint);
        }
    }

    // Two colours that differ from the background, in stripes or a gradient.
    private static SKPaint Texture(SKColor background, float difficulty, CounterRandom random)
    {
        float contrast = 150 - 60 * difficulty;
        SKColor first, second;
        do first = AnyColour(random);
        while (Distance(first, background) < contrast);
        do second = AnyColour(random);
        while (Distance(second, background) < contrast);
        float period = random.NextUniform(0.2f, 0.6f), angle = random.NextUniform(0, MathF.PI);
        var end = new SKPoint(period * MathF.Cos(angle), period * MathF.Sin(angle));
        bool stripes = random.NextInt(2) == 0;
        SKShader shader = stripes
            ? SKShader.CreateLinearGradient(
                new SKPoint(0, 0), end, [first, first, second, second], [0, 0.5f, 0.5f, 1], SKShaderTileMode.Repeat)
            : SKShader.CreateLinearGradient(
                new SKPoint(-end.X * 4, -end.Y * 4), new SKPoint(end.X * 4, end.Y * 4), [first, second], SKShaderTileMode.Clamp);
        return new SKPaint { Shader = shader, IsAntialias = true };
    }

    private static float Distance(SKColor a, SKColor b)
    {
        int r = a.Red - b.Red, g = a.Green - b.Green, blue = a.Blue - b.Blue;
        return MathF.Sqrt(r * r + g * g + blue * blue);
    }

    private static void AddNoise(SKBitmap bitmap, float deviation, CounterRandom random)
    {
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int i = 0; i < pixels.Length; i++)
        {
            if (i % 4 != 3) pixels[i] = (byte)Math.Clamp(pixels[i] + deviation * random.NextNormal(), 0, 255);
        }
    }

    // Within the unit circle.
    private static SKPath Outline(string name)
    {
        var path = new SKPath();
        switch (name)
        {
            case "arrow":
                AddPolygon(path, (0, -1), (0.75f, -0.1f), (0.3f, -0.1f), (0.3f, 0.95f), (-0.3f, 0.95f), (-0.3f, -0.1f), (-0.75f, -0.1f));
                break;
            case "bars":
                for (int i = -1; i <= 1; i++) path.AddRect(new SKRect(-0.85f, i * 0.6f - 0.16f, 0.85f, i * 0.6f + 0.16f));
                break;
            case "circle":
                path.AddCircle(0, 0, 0.95f);
                break;
            case "crescent":
                using (var disc = new SKPath())
                using (var bite = new SKPath())
                {
                    disc.AddCircle(0, 0, 0.95f);
                    bite.AddCircle(0.45f, 0, 0.8f);
                    disc.Op(bite, SKPathOp.Difference, path);
                }
                break;
            case "cross":
                path.AddRect(new SKRect(-0.28f, -0.95f, 0.28f, 0.95f));
                path.AddRect(new SKRect(-0.95f, -0.28f, 0.95f, 0.28f));
                break;
            case "heart":
                path.MoveTo(0, 0.95f);
                path.CubicTo(-1.6f, -0.1f, -0.75f, -1.3f, 0, -0.45f);
                path.CubicTo(0.75f, -1.3f, 1.6f, -0.1f, 0, 0.95f);
                break;
            case "hexagon":
                AddPolygon(path, [.. Enumerable.Range(0, 6).Select(i => OnCircle(0.95f, i / 6f))]);
                break;
            case "ring":
                path.FillType = SKPathFillType.EvenOdd;
                path.AddCircle(0, 0, 0.95f);
                path.AddCircle(0, 0, 0.5f);
                break;
            case "star":
                AddPolygon(path, [.. Enumerable.Range(0, 10).Select(i => OnCircle(i % 2 == 0 ? 1f : 0.42f, i / 10f))]);
                break;
            default:
                AddPolygon(path, [.. Enumerable.Range(0, 3).Select(i => OnCircle(1f, i / 3f))]);
                break;
        }
        path.Close();
        return path;
    }

    private static (float X, float Y) OnCircle(float radius, float turn) =>
        (radius * MathF.Sin(2 * MathF.PI * turn), -radius * MathF.Cos(2 * MathF.PI * turn));

    private static void AddPolygon(SKPath path, params (float X, float Y)[] corners) =>
        path.AddPoly([.. corners.Select(c => new SKPoint(c.X, c.Y))]);
}

using SkiaSharp;
using Spos.Engine.Tests;

namespace Spos.Board.Browser;

/// <summary>The pictures of docs/board.md. With SPOS_UPDATE_PICTURES they are made anew.</summary>
[Collection(BrowserTests.Name)]
public sealed class PictureTests(Chromium chromium)
{
    private const int MostBytes = 150_000;

    private static readonly DateTime Written = new(2026, 3, 14, 15, 9, 26, DateTimeKind.Utc);

    [BrowserFact]
    public async Task The_documents_have_pictures_of_the_board()
    {
        await using var board = new BoardProgram();
        GeneratedRuns.Supernet(Path.Combine(board.Runs, "supernet"), 6000, 60);
        GeneratedRuns.Search(Path.Combine(board.Runs, "search"), 1000);
        GeneratedRuns.Rank(Path.Combine(board.Runs, "rank"));
        File.WriteAllText(Path.Combine(board.Runs, "supernet", "result.json"), "{\"whole\": true}");
        // The page tells when a run wrote last.
        foreach (string file in Directory.GetFiles(board.Runs, "*", SearchOption.AllDirectories)) File.SetLastWriteTimeUtc(file, Written);
        await board.Start();
        await Take(board, "search", "light", 1080, 720, isDark: false);
        await Take(board, "supernet", "dark", 1080, 720, isDark: true);
        await Take(board, "rank", "phone", 390, 844, isDark: false);
    }

    // As small as PNG makes it: a browser is in a hurry.
    private static byte[] Packed(byte[] png)
    {
        using SKBitmap bitmap = SKBitmap.Decode(png);
        using var opaque = new SKBitmap(new SKImageInfo(bitmap.Width, bitmap.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(opaque)) canvas.DrawBitmap(bitmap, 0, 0);
        using SKPixmap pixels = opaque.PeekPixels()!;
        using SKData packed = pixels.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.AllFilters, 9))!;
        return packed.ToArray();
    }

    private async Task Take(BoardProgram board, string run, string name, int width, int height, bool isDark)
    {
        await using Page page = await chromium.Open(board.Printed, width, height, isDark);
        await page.Choose(run);
        await page.Value("document.querySelector('#folder').textContent = 'runs'; document.activeElement.blur(); scrollTo(0, 0)");
        byte[] picture = Packed(await page.Picture());
        Assert.InRange(picture.Length, 5000, MostBytes);
        string file = Path.Combine(Checkout.Root, "docs", "images", $"board-{name}.png");
        if (Environment.GetEnvironmentVariable("SPOS_UPDATE_PICTURES") is { Length: > 0 }) await File.WriteAllBytesAsync(file, picture);
        Assert.True(File.Exists(file), $"{file} is missing: make it with SPOS_UPDATE_PICTURES=1 tests/board/run Picture.");
    }
}

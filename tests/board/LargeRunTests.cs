using Xunit.Abstractions;

namespace Spos.Board.Browser;

/// <summary>Folders of real size are drawn soon: from the choice of a run to the frame that has its charts.</summary>
[Collection(BrowserTests.Name)]
public sealed class LargeRunTests(Chromium chromium, ITestOutputHelper output)
{
    // A second is meant, on a machine that does nothing else; others may work on this one.
    private const double MostMilliseconds = 4000;

    [BrowserFact]
    public async Task Half_a_million_steps_are_drawn_soon() => await Draws(
        "steps", folder => GeneratedRuns.Supernet(folder, 500_000), "document.querySelectorAll('#charts [data-plot]').length === 3");

    [BrowserFact]
    public async Task Ten_thousand_candidates_are_drawn_soon() => await Draws(
        "candidates", folder => GeneratedRuns.Search(folder, 10_000), "document.querySelectorAll('#charts .dot').length > 500");

    private async Task Draws(string name, Action<string> make, string isDrawn)
    {
        await using var board = new BoardProgram();
        GeneratedRuns.Supernet(Path.Combine(board.Runs, "a-small-one"), 500, 5);
        make(Path.Combine(board.Runs, name));
        await board.Start();
        await using Page page = await chromium.Open(board.Printed);
        await page.Choose("a-small-one");
        double took = (await page.Value($$"""
            (async () => {
              const frame = () => new Promise(requestAnimationFrame), start = performance.now();
              document.querySelector('[data-run={{name}}]').click();
              while (!document.querySelector('#title').textContent.startsWith('{{name}}') || !({{isDrawn}})) await frame();
              await frame();
              return performance.now() - start;
            })()
            """)).GetDouble();
        output.WriteLine($"{name}: drawn in {took:0} ms");
        Assert.True(took < MostMilliseconds, $"It took {took:0} ms.");
        page.IsClean(board.Address);
    }
}

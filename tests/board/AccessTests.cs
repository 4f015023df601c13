using System.Text.Json;
using Deque.AxeCore.Commons;

namespace Spos.Board.Browser;

/// <summary>Whoever uses the page, and whatever with: a keyboard alone, a screen reader, a phone, dark or light.</summary>
[Collection(BrowserTests.Name)]
public sealed class AccessTests(Chromium chromium)
{
    private const int PhoneWidth = 390;

    private static readonly string[] Kinds = ["supernet", "search", "rank", "front", "diverged"];

    // What a keyboard should come to.
    private const string Reachable =
        "[...document.querySelectorAll('a[href], button:not(:disabled), summary, [tabindex=\"0\"]')].filter(one => one.checkVisibility())";

    [BrowserFact]
    public async Task The_keyboard_alone_comes_to_everything_and_is_seen_there()
    {
        await using BoardProgram board = await Show();
        await using Page page = await chromium.Open(board.Printed);
        foreach (string kind in Kinds)
        {
            await page.Choose(kind);
            await page.Value("document.activeElement.blur(); scrollTo(0, 0); window.reached = new Set(); window.unseen = []");
            int count = (await page.Value($"{Reachable}.length")).GetInt32();
            Assert.True(count > Kinds.Length, $"{kind}: {count} places");
            for (int i = 0; i < count + 5; i++)
            {
                await page.Press("Tab");
                await page.Value("""
                    reached.add(document.activeElement);
                    if (document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle === 'none')
                      unseen.push(document.activeElement.outerHTML);
                    """);
            }
            Assert.Equal("[]", (await page.Value($"JSON.stringify({Reachable}.filter(one => !reached.has(one)).map(one => one.outerHTML))"))
                .GetString());
            Assert.Equal("[]", (await page.Value("JSON.stringify(unseen)")).GetString());
        }
    }

    [BrowserFact]
    public async Task A_run_is_chosen_and_a_table_opened_by_the_keyboard()
    {
        await using BoardProgram board = await Show();
        await using Page page = await chromium.Open(board.Printed);
        await page.Choose("rank");
        await page.Value("document.querySelector('[data-run=supernet]').focus()");
        await page.Press("Enter");
        await page.Until("document.querySelector('#title').textContent.startsWith('supernet') && document.querySelector('#charts svg')");
        // A screen reader goes on there.
        Assert.Equal("details", (await page.Value("document.activeElement.id")).GetString());
        await page.Value("document.querySelector('#charts summary').focus()");
        await page.Press("Space");
        await page.Until("document.querySelector('#charts details').open");
    }

    [BrowserFact]
    public async Task A_phone_scrolls_down_alone()
    {
        await using BoardProgram board = await Show();
        await using Page page = await chromium.Open(board.Printed, PhoneWidth, 844);
        foreach (string kind in Kinds)
        {
            await page.Choose(kind);
            await page.Value("for (const one of document.querySelectorAll('details')) one.open = true");
            Assert.Equal(PhoneWidth, (await page.Value("document.documentElement.scrollWidth")).GetInt32());
            // What is wider scrolls in a frame of its own.
            JsonElement outside = await page.Value(
                "[...document.body.querySelectorAll('*')].filter(one => one.checkVisibility() && !one.closest('.scroll, .skip')"
                + $" && one.getBoundingClientRect().right > {PhoneWidth} + 1).map(one => one.outerHTML.slice(0, 200))");
            Assert.Empty(outside.EnumerateArray());
        }
        page.IsClean(board.Address);
    }

    [BrowserFact]
    public async Task Axe_finds_no_fault_in_light_and_dark()
    {
        await using BoardProgram board = await Show();
        foreach ((int width, bool isDark) in new[] { (1280, false), (1280, true), (PhoneWidth, false) })
        {
            await using Page page = await chromium.Open(board.Printed, width, isDark: isDark);
            await page.Value(new BundledAxeScriptProvider().GetScript());
            foreach (string kind in Kinds)
            {
                await page.Choose(kind);
                await page.Value("for (const one of document.querySelectorAll('details')) one.open = true");
                string faults = (await page.Value("""
                    axe.run(document, { resultTypes: ['violations'] }).then(found => JSON.stringify(found.violations.map(one =>
                      ({ id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.slice(0, 3).map(node => node.html) })), null, 1))
                    """)).GetString()!;
                Assert.True(faults == "[]", $"{kind}, {width} pixels, dark: {isDark}\n{faults}");
            }
        }
    }

    [BrowserFact]
    public async Task The_page_is_dark_where_the_system_is()
    {
        await using BoardProgram board = await Show();
        await using Page page = await chromium.Open(board.Printed);
        const string Ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => +a + +b, 0)";
        Assert.True((await page.Value(Ground)).GetDouble() > 600);
        await page.Show(isDark: true);
        Assert.True((await page.Value(Ground)).GetDouble() < 150);
    }

    private static async Task<BoardProgram> Show()
    {
        var board = new BoardProgram();
        GeneratedRuns.Supernet(Path.Combine(board.Runs, "supernet"), 6000, 60);
        GeneratedRuns.Search(Path.Combine(board.Runs, "search"), 1000);
        GeneratedRuns.Rank(Path.Combine(board.Runs, "rank"));
        GeneratedRuns.Front(Path.Combine(board.Runs, "front"));
        GeneratedRuns.Diverged(Path.Combine(board.Runs, "diverged"));
        await board.Start();
        return board;
    }
}

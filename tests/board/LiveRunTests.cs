using System.Diagnostics;

namespace Spos.Board.Browser;

/// <summary>A run that goes on while the page shows it, and is stopped and gone on with there.</summary>
[Collection(BrowserTests.Name)]
public sealed class LiveRunTests(Chromium chromium)
{
    private const string Steps = "Number(document.querySelector('#facts dd').textContent.split(' ')[0].replaceAll(',', ''))";

    [BrowserFact]
    public async Task A_run_is_shown_live_and_stopped_and_gone_on_with_by_buttons()
    {
        await using var board = new BoardProgram();
        await board.Spos(
            "dataset", "make", "--output-dir", "data", "--classes", "3", "--train", "16", "--val", "6", "--size", "32",
            "--difficulty", "0.1");
        await board.Start();
        await using Page page = await chromium.Open(board.Printed);
        await page.Until("document.querySelector('#nothing').textContent.includes('no run in this folder yet')");

        // It appears by itself, and goes on without a reload.
        using Process run = board.StartSpos(
            "supernet", "--imagenet-dir", "data", "--image-size", "32", "--stem-channels", "8", "--stage-repeats", "1,1,2,1",
            "--stage-channels", "16,24,32,48", "--last-channels", "32", "--batch-size", "8", "--epochs", "5000", "--log-frequency", "1",
            "--output-dir", "runs/live");
        Task<string> told = run.StandardError.ReadToEndAsync();
        _ = run.StandardOutput.ReadToEndAsync();
        await page.Until("document.querySelector('[data-run=live]') && document.querySelector('#charts svg')");
        Assert.Contains("Running", await page.Text("#state"), StringComparison.Ordinal);
        double before = (await page.Value(Steps)).GetDouble();

        // What has the focus, and what was opened, stays so while all is drawn anew.
        await page.Value("document.querySelector('#charts summary').focus()");
        await page.Press("Enter");
        await page.Until($"{Steps} > {before} + 20");
        Assert.True((await page.Value("document.activeElement === document.querySelector('#charts summary')")).GetBoolean());
        Assert.True((await page.Value("document.querySelector('#charts details').open")).GetBoolean());

        await page.Value("document.querySelector('#stop').focus()");
        await page.Press("Enter");
        await page.Until("document.querySelector('#answer').textContent.includes('was asked to stop')");
        await run.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        Assert.Contains("what was done is being saved", await told, StringComparison.Ordinal);
        await page.Until("document.querySelector('#state').className === 'Stopped'");
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(board.Runs, "live"), "checkpoint-*.spos"));
        double stopped = (await page.Value(Steps)).GetDouble();
        Assert.True(stopped > before);

        // The same command in the same folder, though its paths are relative and the board has another.
        await page.Value("document.querySelector('#again').focus()");
        await page.Press("Enter");
        await page.Until("document.querySelector('#state').className === 'Running'");
        await page.Until($"{Steps} > {stopped}");
        await page.Value("document.querySelector('#stop').click()");
        await page.Until("document.querySelector('#state').className === 'Stopped'");
        page.IsClean(board.Address);
    }

    [BrowserFact]
    public async Task What_spos_run_started_goes_on_with_all_its_phases()
    {
        await using var board = new BoardProgram();
        await board.Spos(
            "dataset", "make", "--output-dir", "data", "--classes", "3", "--train", "16", "--val", "6", "--size", "32",
            "--difficulty", "0.1");
        await board.Start();
        File.WriteAllText(Path.Combine(board.Runs, "..", "small.yml"), """
            imagenet-dir: data
            image-size: 32
            stem-channels: 8
            stage-repeats: [1, 1, 2, 1]
            stage-channels: [16, 24, 32, 48]
            last-channels: 32
            batch-size: 8
            supernet:
              epochs: 5000
              output-dir: runs/supernet
            search:
              checkpoint: runs/supernet
              max-epochs: 1
              num-population: 4
              num-select: 2
              num-crossover: 1
              num-mutation: 1
              train-iters: 1
              train-batch-size: 8
              output-dir: runs/search
            scratch:
              architecture: runs/search
              epochs: 1
              output-dir: runs/scratch
            """);
        await using Page page = await chromium.Open(board.Printed);
        using Process run = board.StartSpos("run", "small.yml");
        _ = run.StandardError.ReadToEndAsync();
        _ = run.StandardOutput.ReadToEndAsync();
        await page.Until("document.querySelector('[data-run=supernet]') && document.querySelector('#charts svg')");
        await page.Value("document.querySelector('#stop').click()");
        await run.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        Assert.False(Directory.Exists(Path.Combine(board.Runs, "search")));
        await page.Until("document.querySelector('#state').className === 'Stopped'");
        double stopped = (await page.Value(Steps)).GetDouble();
        await page.Value("document.querySelector('#again').click()");
        await page.Until("document.querySelector('#state').className === 'Running'");
        await page.Until($"{Steps} > {stopped}");
        // All phases, and not this one alone.
        int holder = HolderOf(Path.Combine(board.Runs, "supernet", ".lock"));
        string[] words = File.ReadAllText($"/proc/{holder}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["run", "small.yml"], words[^2..]);
        await page.Value("document.querySelector('#stop').click()");
        await page.Until("document.querySelector('#state').className === 'Stopped'");
        page.IsClean(board.Address);
    }

    [BrowserFact]
    public async Task Without_the_token_a_run_is_shown_and_its_buttons_say_what_is_missing()
    {
        await using var board = new BoardProgram();
        GeneratedRuns.Supernet(Path.Combine(board.Runs, "one"), 500, 5);
        await board.Start();
        await using Page page = await chromium.Open($"{board.Address}/");
        await page.Until("document.querySelector('#charts svg')");
        Assert.Equal(board.Runs, await page.Text("#folder"));
        Assert.True((await page.Value("document.querySelector('#stop').disabled")).GetBoolean());
        page.IsClean(board.Address);
    }

    // The process that has the file open.
    private static int HolderOf(string file) => Directory.GetDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), out int process) ? process : 0)
        .Single(process => process > 0 && Opens(process, file));

    private static bool Opens(int process, string file)
    {
        try
        {
            return Directory.GetFiles($"/proc/{process}/fd").Any(open => new FileInfo(open).LinkTarget == file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
            return false;
        }
    }
}

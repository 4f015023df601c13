using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Spos.Board.Reading;

namespace Spos.Board.Serving;

/// <summary>
/// Server-sent events: "runs" with the list of runs at first and whenever another is there, "changed" with those of the list that have
/// changed, "points" with what was added to the curves of the run that the page shows, and "run" whenever more of it has changed.
/// </summary>
internal sealed class LiveEvents(RunCatalog catalog, CancellationToken stopping)
{
    // Each page has one; more are none of people's.
    private const int Most = 64;

    // Something is sent this often, so that a connection that is gone is noticed.
    private static readonly TimeSpan MostSilence = TimeSpan.FromSeconds(15);

    private readonly NextLook _next = new(() => catalog.Wait);
    private int _open;

    /// <summary>Sends events until the page is closed.</summary>
    /// <param name="path">The run that the page shows; null if none.</param>
    public async Task Send(HttpContext context, string? path)
    {
        if (Interlocked.Increment(ref _open) > Most)
        {
            Interlocked.Decrement(ref _open);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            context.Response.ContentType = "text/event-stream";
            await Follow(context.Response, path, ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The page was closed, or the board is.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task Follow(HttpResponse response, string? path, CancellationToken ending)
    {
        RunHeader[]? before = null;
        var view = new PageView();
        long said = Stopwatch.GetTimestamp();
        while (true)
        {
            (RunHeader[] runs, RunNews? news) = catalog.Look(path, view);
            string text = EventOf(before, runs) + EventOf(news);
            before = runs;
            if (text.Length == 0 && Stopwatch.GetElapsedTime(said) >= MostSilence) text = ":\n\n";
            if (text.Length > 0)
            {
                said = Stopwatch.GetTimestamp();
                await response.WriteAsync(text, ending);
                await response.Body.FlushAsync(ending);
            }
            await _next.Due().WaitAsync(ending);
        }
    }

    private static string EventOf(RunHeader[]? before, RunHeader[] runs)
    {
        if (before?.Select(run => run.Path).SequenceEqual(runs.Select(run => run.Path)) != true)
        {
            return $"event: runs\ndata: {JsonSerializer.Serialize(runs, BoardJson.Default.RunHeaderArray)}\n\n";
        }
        RunHeader[] changed = [.. runs.Where((run, i) => run != before[i])];
        return changed.Length > 0
            ? $"event: changed\ndata: {JsonSerializer.Serialize(changed, BoardJson.Default.RunHeaderArray)}\n\n"
            : "";
    }

    private static string EventOf(RunNews? news) => news switch
    {
        null => "",
        { Added.Length: 0 } => "event: run\ndata:\n\n",
        _ => $"event: points\ndata: {JsonSerializer.Serialize(news.Added, BoardJson.Default.AddedPointsArray)}\n\n",
    };
}

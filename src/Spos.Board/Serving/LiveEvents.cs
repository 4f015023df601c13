using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Spos.Board.Reading;

namespace Spos.Board.Serving;

/// <summary>
/// Server-sent events: "runs" with the list of runs whenever it has changed, and "run" with a number whenever the run that the page shows
/// has.
/// </summary>
internal sealed class LiveEvents(RunCatalog catalog, JsonSerializerOptions json, CancellationToken stopping)
{
    // Each page has one; more are none of people's.
    private const int Most = 64;

    // Something is sent this often, so that a connection that is gone is noticed.
    private static readonly TimeSpan MostSilence = TimeSpan.FromSeconds(15);

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
        long? version = null;
        long said = Stopwatch.GetTimestamp();
        while (true)
        {
            (RunHeader[] runs, long? now) = catalog.Look(path);
            string text = (before?.SequenceEqual(runs) != true ? $"event: runs\ndata: {JsonSerializer.Serialize(runs, json)}\n\n" : "")
                + (now != null && now != version ? $"event: run\ndata: {now}\n\n" : "");
            (before, version) = (runs, now);
            if (text.Length == 0 && Stopwatch.GetElapsedTime(said) >= MostSilence) text = ":\n\n";
            if (text.Length > 0)
            {
                said = Stopwatch.GetTimestamp();
                await response.WriteAsync(text, ending);
                await response.Body.FlushAsync(ending);
            }
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(catalog.Wait.TotalMilliseconds) + 1), ending);
        }
    }
}

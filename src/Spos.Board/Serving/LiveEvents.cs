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

    private static readonly TimeSpan Each = TimeSpan.FromSeconds(1);

    // Something is sent this often, so that a connection that is gone is noticed.
    private const int LooksOfSilence = 15;

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
        using var timer = new PeriodicTimer(Each);
        string? before = null;
        long? version = null;
        int silent = 0;
        do
        {
            (RunHeader[] headers, long? now) = catalog.Look(path);
            string runs = JsonSerializer.Serialize(headers, json);
            string text = (runs != before ? $"event: runs\ndata: {runs}\n\n" : "")
                + (now != null && now != version ? $"event: run\ndata: {now}\n\n" : "");
            (before, version) = (runs, now);
            silent = text.Length > 0 ? 0 : silent + 1;
            if (silent == LooksOfSilence) (text, silent) = (":\n\n", 0);
            if (text.Length == 0) continue;
            await response.WriteAsync(text, ending);
            await response.Body.FlushAsync(ending);
        }
        while (await timer.WaitForNextTickAsync(ending));
    }
}

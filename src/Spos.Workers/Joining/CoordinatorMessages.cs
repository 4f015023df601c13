using Grpc.Core;
using Spos.Engine.Devices;
using Spos.Workers.Protocol;

namespace Spos.Workers.Joining;

/// <summary>What a coordinator says to a worker, one after the other.</summary>
/// <param name="coordinator">Its address.</param>
internal sealed class CoordinatorMessages(string coordinator, IAsyncStreamReader<FromCoordinator> from)
{
    // To break off the wait is not to break off the call.
    private Task<bool>? _next;

    /// <summary>Completed when the coordinator has said something, or nothing more comes.</summary>
    public Task Coming => _next ??= from.MoveNext(CancellationToken.None);

    /// <summary>What it is that spos does not say.</summary>
    public static IOException Unfitting() => new("what is there is no run of spos");

    /// <summary>What it wants done cannot be.</summary>
    public PoolException Unsuitable(Exception why) => new(
        $"the run at {coordinator} asks for something that this worker does not have: {Shown.Line(why.Message)}", why);

    /// <summary>The next of them.</summary>
    /// <exception cref="PoolException">It refuses the worker.</exception>
    /// <exception cref="IOException">Nothing more comes.</exception>
    public async Task<FromCoordinator> Next(CancellationToken cancel)
    {
        _next ??= from.MoveNext(CancellationToken.None);
        bool isThere = await _next.WaitAsync(cancel);
        _next = null;
        if (!isThere) throw new IOException("the connection broke");
        return from.Current.Refusal is { } refusal
            ? throw new PoolException($"the run at {coordinator} refuses this worker: {Shown.Line(refusal.Why).TrimEnd('.')}.")
            : from.Current;
    }
}

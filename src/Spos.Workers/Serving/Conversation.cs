using System.Diagnostics;
using Grpc.Core;
using Spos.Engine.Files;
using Spos.Runs.Phases;
using Spos.Workers.Protocol;
using Spos.Workers.Sharing;

namespace Spos.Workers.Serving;

/// <summary>
/// Gives a worker that has joined work, and takes what comes of it, until it leaves, is lost or set aside, or all is over.
/// </summary>
/// <param name="folder">Where checkpoints lie while they are sent.</param>
/// <param name="patience">How long a worker may be no further with its work.</param>
internal sealed class Conversation(
    Member member, Dispatch dispatch, IAsyncStreamReader<FromWorker> from, IServerStreamWriter<FromCoordinator> to, string folder,
    TimeSpan patience, CancellationToken stop)
{
    private const string Unfitting = "what it sent does not fit what it was asked";

    // Characters, of which a path may take some hundred.
    private const int MostOfReason = 300;

    private const uint MostPaths = 1024;

    private static readonly TimeSpan LongestParting = TimeSpan.FromSeconds(5);

    private Lease? _lease;
    private ReceivedFile? _file;
    private Loss? _loss = new("the connection broke, or it gave no sign of life");

    // To break off the wait for what it says is not to break off the call.
    private Task<bool>? _next;

    private bool IsOver => dispatch.IsOver || member.IsSetAside.IsCompleted;

    /// <param name="ends">Signalled when the coordinator ends: then nobody is lost.</param>
    public async Task Hold(CancellationToken ends)
    {
        try
        {
            // One that asks for no work, and keeps others from what it might take, is not waited for without end.
            while (await Next(patience) is { } said)
            {
                if (said.Ready is not { } ready)
                {
                    _loss = LossBy(said);
                    return;
                }
                await Give(ready);
                if (_lease is { } lease && !await Follow(lease)) return;
            }
            if (dispatch.IsOver) await Part(new FromCoordinator { Over = new Over() });
        }
        catch (WriteException error)
        {
            // That the disk is full is nothing that the worker can help.
            dispatch.Fail(error);
            _loss = null;
        }
        finally
        {
            try
            {
                _file?.Dispose();
            }
            finally
            {
                dispatch.Leave(member, _lease, dispatch.IsOver || ends.IsCancellationRequested ? null : _loss);
            }
            if (member.IsSetAside.IsCompleted && !stop.IsCancellationRequested)
            {
                await Part(new FromCoordinator { Refusal = new Refusal { Why = Admission.WrongResult } });
            }
        }
    }

    // Leaves the lease empty where it says something meanwhile, or nothing more is to be had.
    private async Task Give(Ready ready)
    {
        HashSet<string> begun = [.. ready.Begun];
        while (!IsOver)
        {
            Task changed = dispatch.Changed;
            _lease = dispatch.Take(member, (int)Math.Min(ready.Room, MostPaths), training => begun.Contains(training.Key));
            _next ??= from.MoveNext(stop);
            if (_lease != null) break;
            if (_next.IsCompleted) return;
            await Task.WhenAny(changed, _next);
        }
        if (_lease == null) return;
        var job = new Job { Number = (ulong)_lease.Number, Seed = _lease.Generation.Seed };
        if (_lease.Training is { } training) (job.Seed, job.Key) = (training.Seed, training.Key);
        job.Taken.AddRange(dispatch.TakenOf(member));
        job.Architectures.AddRange(_lease.Paths.Select(path => path.ToString()));
        await to.WriteAsync(new FromCoordinator { Job = job }, stop);
    }

    // Whether it has done what it took.
    private async Task<bool> Follow(Lease lease)
    {
        long since = Stopwatch.GetTimestamp();
        while (await Next(patience - Stopwatch.GetElapsedTime(since)) is { } said)
        {
            switch (said.KindCase)
            {
                case FromWorker.KindOneofCase.Progress when said.Progress.Steps > (ulong)(lease.Training?.Steps ?? long.MaxValue):
                    break;
                case FromWorker.KindOneofCase.Progress when said.Progress.Steps > (ulong)lease.Steps:
                    lease.Steps = (long)said.Progress.Steps;
                    since = Stopwatch.GetTimestamp();
                    continue;
                case FromWorker.KindOneofCase.Progress:
                    continue;
                case FromWorker.KindOneofCase.Piece when lease.Generation.Trainings is { } trainings && !said.Piece.Data.IsEmpty:
                    since = Stopwatch.GetTimestamp();
                    _file ??= new ReceivedFile(folder, lease.Number, trainings.MostBytes);
                    if (_file.Append(said.Piece.Data.Memory)) continue;
                    break;
                case FromWorker.KindOneofCase.Result when lease.Training == null && IsAnswer(said.Result, lease):
                    dispatch.Finish(member, lease, [.. said.Result.Scores.Select(score => new Answer(score))]);
                    _lease = null;
                    return true;
                case FromWorker.KindOneofCase.Trained when said.Trained.Number == (ulong)lease.Number && _file != null:
                    if (_file.End(said.Trained.Sha256.Span) is not { } file) break;
                    if (dispatch.Finish(member, lease, [new Answer(0, file)])) _file.Keep();
                    _file.Dispose();
                    (_lease, _file) = (null, null);
                    return true;
            }
            _loss = LossBy(said);
            return false;
        }
        if (dispatch.IsOver) await Part(new FromCoordinator { Over = new Over() });
        return false;
    }

    // What it says next; null where it says nothing more or takes too long, or nothing more is to be had.
    private async Task<FromWorker?> Next(TimeSpan longest)
    {
        _next ??= from.MoveNext(stop);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task tooLong = Task.Delay(longest > TimeSpan.Zero ? longest : TimeSpan.Zero, end.Token);
        while (!_next.IsCompleted)
        {
            Task changed = dispatch.Changed;
            if (IsOver) return null;
            if (await Task.WhenAny(_next, changed, member.IsSetAside, tooLong) != tooLong) continue;
            stop.ThrowIfCancellationRequested();
            _loss = new Loss($"it has come no further for {patience.TotalSeconds:0} seconds");
            return null;
        }
        await end.CancelAsync();
        bool isThere = await _next;
        _next = null;
        return isThere && !member.IsSetAside.IsCompleted ? from.Current : null;
    }

    // It ends the call once it has heard it: to end it while it says something would keep it from hearing that.
    private async Task Part(FromCoordinator last)
    {
        await to.WriteAsync(last, stop);
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(stop);
        soon.CancelAfter(LongestParting);
        while (await (_next ??= from.MoveNext(stop)).WaitAsync(soon.Token)) _next = null;
    }

    private static Loss? LossBy(FromWorker said) => said.KindCase switch
    {
        FromWorker.KindOneofCase.Leaving => null,
        FromWorker.KindOneofCase.Failure => new Loss($"it fails: {Shown.Excerpt(said.Failure.Why, MostOfReason)}", IsReported: true),
        _ => new Loss(Unfitting),
    };

    private static bool IsAnswer(Result result, Lease lease) =>
        result.Number == (ulong)lease.Number && result.Scores.Count == lease.Paths.Count
        && result.Scores.All(score => score is >= 0 and <= 1);
}

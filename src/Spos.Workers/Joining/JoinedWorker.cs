using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Spos.Engine.Devices;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;

namespace Spos.Workers.Joining;

/// <summary>How a worker's time at a run ends.</summary>
internal enum Parting
{
    /// <summary>The run is over.</summary>
    Over,

    /// <summary>The worker was stopped, and has given back what it had.</summary>
    Stopped,

    /// <summary>The connection broke.</summary>
    Broken,
}

/// <summary>A worker that a run has let in: takes work, does it and sends what comes of it.</summary>
/// <param name="recipe">How networks are trained; null where none are.</param>
internal sealed class JoinedWorker(
    PoolWork work, TrainingRecipe? recipe, CoordinatorMessages from, IClientStreamWriter<FromWorker> to)
{
    // A group of paths.
    private const int MostPaths = 1024;

    // What a message carries of a checkpoint, and the trainings that a worker may have begun; both fit what a coordinator takes.
    private const int PieceBytes = 64 << 10, MostBegun = 256;

    private static readonly TimeSpan LongestParting = TimeSpan.FromSeconds(3), ProgressPause = TimeSpan.FromSeconds(1);

    /// <summary>Scores that it has sent.</summary>
    public int Scored { get; private set; }

    /// <summary>Networks that it has trained and sent.</summary>
    public int Trained { get; private set; }

    /// <summary>Works until the run is over, or this worker is stopped.</summary>
    /// <exception cref="PoolException">The run refuses what it does.</exception>
    public async Task<Parting> Serve(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                var ready = new Ready { Room = (uint)work.Room };
                if (recipe != null) ready.Begun.AddRange(Failing(() => work.Begun.Take(MostBegun).ToArray()));
                await to.WriteAsync(new FromWorker { Ready = ready }, CancellationToken.None);
                FromCoordinator said = await from.Next(cancel);
                if (said.Job is { } job)
                {
                    work.RemoveTrained(job.Taken);
                    said = await Work(job, cancel) ?? said;
                }
                if (said.Over != null) return Parting.Over;
                if (said.Job == null) throw CoordinatorMessages.Unfitting();
            }
            catch (Exception) when (cancel.IsCancellationRequested)
            {
                await Leave(new FromWorker { Leaving = new Leaving() });
                return Parting.Stopped;
            }
            catch (Exception error) when (error is SposException and not PoolException or FormatException)
            {
                await Leave(new FromWorker { Failure = new Failure { Why = error.Message } });
                if (error is FormatException) throw from.Unsuitable(error);
                throw;
            }
        }
    }

    // What the coordinator says before the work is done; null if it lets it be done.
    private async Task<FromCoordinator?> Work(Job job, CancellationToken cancel)
    {
        if (job.Architectures.Count is 0 or > MostPaths) throw CoordinatorMessages.Unfitting();
        Architecture[] paths = [.. job.Architectures.Select(work.PathOf)];
        long told = 0;
        work.CountAnew();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task<Func<Task>> results = Task.Factory.StartNew(
            () => Failing(() => job.Key.Length == 0 ? Scores(job, paths) : Network(job, paths[0], stop.Token)),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            while (true)
            {
                await Task.WhenAny(results, from.Coming, Task.Delay(ProgressPause, CancellationToken.None));
                if (results.IsCompleted) break;
                if (from.Coming.IsCompleted) return await Interrupted();
                long steps = work.Steps;
                if (steps == told) continue;
                told = steps;
                await to.WriteAsync(new FromWorker { Progress = new Progress { Steps = (ulong)told } }, CancellationToken.None);
            }
            await (await results)();
            return null;
        }
        finally
        {
            // A training saves what it has. Scores that are not given up are made to the end, and kept.
            stop.Cancel();
            await results.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    // What the coordinator says while there is work.
    private async Task<FromCoordinator> Interrupted()
    {
        try
        {
            FromCoordinator said = await from.Next(CancellationToken.None);
            if (said.Over == null) throw CoordinatorMessages.Unfitting();
            work.Stop();
            return said;
        }
        catch (PoolException)
        {
            work.Stop();
            throw;
        }
    }

    // What is sent of scores.
    private Func<Task> Scores(Job job, Architecture[] paths)
    {
        var result = new Result { Number = job.Number };
        result.Scores.AddRange(work.Score(paths, job.Seed));
        return async () =>
        {
            await to.WriteAsync(new FromWorker { Result = result }, CancellationToken.None);
            Scored += result.Scores.Count;
        };
    }

    // What is sent of a trained network.
    private Func<Task> Network(Job job, Architecture path, CancellationToken stop)
    {
        if (recipe == null) throw CoordinatorMessages.Unfitting();
        string checkpoint = work.Train(recipe, path, job.Seed, job.Key, stop) ?? throw new OperationCanceledException(stop);
        return async () =>
        {
            await using FileStream file = Failing(() => File.OpenRead(checkpoint));
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] piece = new byte[PieceBytes];
            for (int read; (read = Failing(() => file.Read(piece))) > 0;)
            {
                hash.AppendData(piece.AsSpan(0, read));
                var sent = new Piece { Data = ByteString.CopyFrom(piece, 0, read) };
                await to.WriteAsync(new FromWorker { Piece = sent }, CancellationToken.None);
            }
            var trained = new Trained { Number = job.Number, Sha256 = ByteString.CopyFrom(hash.GetHashAndReset()) };
            await to.WriteAsync(new FromWorker { Trained = trained }, CancellationToken.None);
            Trained++;
        };
    }

    private static T Failing<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new WorkFailedException(error);
        }
    }

    // The coordinator ends the call once it has heard it.
    private async Task Leave(FromWorker last)
    {
        try
        {
            await to.WriteAsync(last, CancellationToken.None);
            await to.CompleteAsync();
            await Task.WhenAny(from.Coming, Task.Delay(LongestParting));
        }
        catch (Exception error) when (error is RpcException or IOException or InvalidOperationException)
        {
            // It is gone already. Why this worker leaves matters more.
        }
    }
}

using System.Diagnostics;
using System.Net.Security;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Spos.Engine.Devices;
using Spos.Runs.Phases;
using Spos.Space;
using Spos.Workers.Protocol;

namespace Spos.Workers.Joining;

/// <summary>Whom a worker joins.</summary>
public sealed record JoinSpec
{
    /// <summary>The coordinator: HOST:PORT.</summary>
    public required string Coordinator { get; init; }

    /// <summary>What the coordinator wants known; null for nothing.</summary>
    public string? Secret { get; init; }

    /// <summary>How long it looks for a coordinator that is not there, or no longer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>Scores and trains for a run that another process makes.</summary>
public sealed class WorkerClient
{
    // A group, and what the longest architectures of its paths take.
    private const int MostPaths = 1024, MostBytes = 1 << 20;

    // What a message carries of a checkpoint, and the trainings that a worker may have begun; both fit what a coordinator takes.
    private const int PieceBytes = 64 << 10, MostBegun = 256;

    private const string AnotherProgram = "what is there is no run of spos";

    private static readonly TimeSpan LongestGreeting = TimeSpan.FromSeconds(15), Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestParting = TimeSpan.FromSeconds(3), ProgressPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10), PingTimeout = TimeSpan.FromSeconds(20);

    private readonly JoinSpec _spec;
    private readonly PoolWork _work;
    private readonly Action<string> _say;
    private readonly SharedSecret? _secret;
    private readonly string _name = $"{Environment.MachineName}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}";
    private byte[] _certificate = [];
    private TrainingRecipe? _recipe;
    private int _scored, _trained;

    // What the coordinator says next, once it is asked for: to break off the wait is not to break off the call.
    private Task<bool>? _next;

    /// <param name="say">Told what it does.</param>
    public WorkerClient(JoinSpec spec, PoolWork work, Action<string> say)
    {
        (_spec, _work, _say) = (spec, work, say);
        _secret = spec.Secret == null ? null : new SharedSecret(spec.Secret);
    }

    private enum Parting
    {
        Over,
        Stopped,
        Broken,
    }

    /// <summary>Works until the run is over.</summary>
    /// <returns>How many candidates it has scored and trained; null if it was stopped before the run was over.</returns>
    /// <exception cref="PoolException">It may not join, or the coordinator cannot be found.</exception>
    public async Task<(int Scored, int Trained)?> Run(CancellationToken cancel)
    {
        long lastSeen = Stopwatch.GetTimestamp();
        bool tells = true;
        while (!cancel.IsCancellationRequested)
        {
            string why = "the connection broke";
            try
            {
                (Parting parting, bool hasJoined) = await Join(cancel);
                if (parting == Parting.Over)
                {
                    _work.RemoveTrained();
                    return (_scored, _trained);
                }
                if (parting == Parting.Stopped) return null;
                if (hasJoined) (lastSeen, tells) = (Stopwatch.GetTimestamp(), true);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception error) when (
                error is RpcException or IOException or HttpRequestException or OperationCanceledException or InvalidOperationException)
            {
                // The system's own words are in the innermost exception.
                why = Shown.Line((error is RpcException rpc ? rpc.Status.DebugException ?? rpc : error).GetBaseException().Message);
            }
            if (Stopwatch.GetElapsedTime(lastSeen) >= _spec.Patience)
            {
                throw new PoolException(
                    $"--join {_spec.Coordinator}: no run is found there: {why.TrimEnd('.')}. Is it running with --listen at this "
                    + "address, and do both have a --secret-file, or neither?");
            }
            if (tells) _say(
                $"No run answers at {_spec.Coordinator} ({why.TrimEnd('.')}); looking for it. Both need the same --secret-file, or "
                + "neither.");
            tells = false;
            await Task.Delay(Pause, cancel).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        return null;
    }

    private async Task<(Parting Parting, bool HasJoined)> Join(CancellationToken cancel)
    {
        _next = null;
        using GrpcChannel channel = NewChannel();
        using var call = new Pool.PoolClient(channel).Work(cancellationToken: CancellationToken.None);
        IAsyncStreamReader<FromCoordinator> from = call.ResponseStream;
        using (var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel))
        {
            soon.CancelAfter(LongestGreeting);
            await Greet(from, call.RequestStream, soon.Token);
        }
        _say($"Joined the run at {_spec.Coordinator} as {_name}.");
        Parting parting;
        try
        {
            parting = await Serve(from, call.RequestStream, cancel);
        }
        catch (Exception error) when (error is RpcException or IOException or InvalidOperationException)
        {
            return (Parting.Broken, true);
        }
        if (parting == Parting.Over) await End(call.RequestStream);
        return (parting, true);
    }

    // The coordinator waits for it. The run is over in any case.
    private static async Task End(IClientStreamWriter<FromWorker> to)
    {
        try
        {
            await to.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or IOException or InvalidOperationException)
        {
            // Then the coordinator is gone already.
        }
    }

    private async Task Greet(IAsyncStreamReader<FromCoordinator> from, IClientStreamWriter<FromWorker> to, CancellationToken soon)
    {
        FromCoordinator said = await Next(from, soon);
        byte[] nonce = SharedSecret.NewNonce(), theirs = said.Challenge?.Nonce.ToByteArray() ?? [];
        var hello = new Hello { Name = _name, Machine = Environment.MachineName, Nonce = ByteString.CopyFrom(nonce) };
        if (_secret != null) hello.Proof = ByteString.CopyFrom(_secret.Prove(SharedSecret.Worker, theirs, nonce, _certificate));
        foreach ((string name, string value) in _work.Facts) hello.Facts[name] = value;
        await to.WriteAsync(new FromWorker { Hello = hello }, soon);
        said = await Next(from, soon);
        if (said.Welcome is not { } welcome) throw new IOException(AnotherProgram);
        _recipe = RecipeOf(welcome.Recipe);
        if (_secret?.IsProof(welcome.Proof.Span, SharedSecret.Coordinator, theirs, nonce, _certificate) == false)
        {
            throw new PoolException($"--join {_spec.Coordinator}: what is there does not know the secret of --secret-file.");
        }
    }

    private async Task<Parting> Serve(
        IAsyncStreamReader<FromCoordinator> from, IClientStreamWriter<FromWorker> to, CancellationToken cancel)
    {
        while (true)
        {
            var ready = new Ready { Room = (uint)_work.Room };
            if (_recipe != null) ready.Begun.AddRange(_work.Begun.Take(MostBegun));
            await to.WriteAsync(new FromWorker { Ready = ready }, CancellationToken.None);
            try
            {
                FromCoordinator said = await Next(from, cancel);
                if (said.Job is { } job)
                {
                    _work.RemoveTrained(job.Taken);
                    said = await Work(job, from, to, cancel) ?? said;
                }
                if (said.Over != null) return Parting.Over;
                if (said.Job == null) throw new IOException(AnotherProgram);
            }
            catch (Exception) when (cancel.IsCancellationRequested)
            {
                await Leave(from, to, new FromWorker { Leaving = new Leaving() });
                return Parting.Stopped;
            }
            catch (Exception error) when (error is SposException and not PoolException or FormatException)
            {
                await Leave(from, to, new FromWorker { Failure = new Failure { Why = error.Message } });
                throw;
            }
        }
    }

    // What the coordinator says before the work is done; null if it lets it be done.
    private async Task<FromCoordinator?> Work(
        Job job, IAsyncStreamReader<FromCoordinator> from, IClientStreamWriter<FromWorker> to, CancellationToken cancel)
    {
        if (job.Architectures.Count is 0 or > MostPaths) throw new IOException(AnotherProgram);
        Architecture[] paths = [.. job.Architectures.Select(_work.PathOf)];
        long told = 0;
        _work.CountAnew();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task<Func<Task>> work = Task.Factory.StartNew(
            () => Failing(() => job.Key.Length == 0 ? Scored(job, paths, to) : Trained(job, paths[0], to, stop.Token)),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            while (true)
            {
                _next ??= from.MoveNext(CancellationToken.None);
                await Task.WhenAny(work, _next, Task.Delay(ProgressPause, CancellationToken.None));
                if (work.IsCompleted) break;
                if (_next.IsCompleted) return await Interrupted(from);
                long steps = _work.Steps;
                if (steps == told) continue;
                told = steps;
                await to.WriteAsync(new FromWorker { Progress = new Progress { Steps = (ulong)told } }, CancellationToken.None);
            }
            await (await work)();
            return null;
        }
        finally
        {
            // A training saves what it has. Scores that are not given up are made to the end, and kept.
            stop.Cancel();
            await work.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    // What the coordinator says while there is work.
    private async Task<FromCoordinator> Interrupted(IAsyncStreamReader<FromCoordinator> from)
    {
        try
        {
            FromCoordinator said = await Next(from, CancellationToken.None);
            if (said.Over == null) throw new IOException(AnotherProgram);
            _work.Stop();
            return said;
        }
        catch (PoolException)
        {
            _work.Stop();
            throw;
        }
    }

    // What is sent of scores.
    private Func<Task> Scored(Job job, Architecture[] paths, IClientStreamWriter<FromWorker> to)
    {
        var result = new Result { Number = job.Number };
        result.Scores.AddRange(_work.Score(paths, job.Seed));
        return async () =>
        {
            await to.WriteAsync(new FromWorker { Result = result }, CancellationToken.None);
            _scored += result.Scores.Count;
        };
    }

    // What is sent of a trained network.
    private Func<Task> Trained(Job job, Architecture path, IClientStreamWriter<FromWorker> to, CancellationToken stop)
    {
        if (_recipe == null) throw new IOException(AnotherProgram);
        string checkpoint = _work.Train(_recipe, path, job.Seed, job.Key, stop) ?? throw new OperationCanceledException(stop);
        return async () =>
        {
            await using FileStream file = File.OpenRead(checkpoint);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] piece = new byte[PieceBytes];
            for (int read; (read = await file.ReadAsync(piece)) > 0;)
            {
                hash.AppendData(piece.AsSpan(0, read));
                var sent = new Piece { Data = ByteString.CopyFrom(piece, 0, read) };
                await to.WriteAsync(new FromWorker { Piece = sent }, CancellationToken.None);
            }
            var trained = new Trained { Number = job.Number, Sha256 = ByteString.CopyFrom(hash.GetHashAndReset()) };
            await to.WriteAsync(new FromWorker { Trained = trained }, CancellationToken.None);
            _trained++;
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

    private static TrainingRecipe? RecipeOf(Recipe? told)
    {
        static KeyValuePair<string, string>[] Of(IEnumerable<Option> options) =>
            [.. options.Select(option => KeyValuePair.Create(option.Name, option.Value))];
        return told == null ? null : new TrainingRecipe(told.Kind, Of(told.Options), Of(told.CameTo));
    }

    // The coordinator ends the call once it has heard it.
    private async Task Leave(IAsyncStreamReader<FromCoordinator> from, IClientStreamWriter<FromWorker> to, FromWorker last)
    {
        await to.WriteAsync(last, CancellationToken.None);
        await to.CompleteAsync();
        await Task.WhenAny(_next ??= from.MoveNext(CancellationToken.None), Task.Delay(LongestParting));
    }

    private async Task<FromCoordinator> Next(IAsyncStreamReader<FromCoordinator> from, CancellationToken cancel)
    {
        _next ??= from.MoveNext(CancellationToken.None);
        bool isThere = await _next.WaitAsync(cancel);
        _next = null;
        if (!isThere) throw new IOException("the connection broke");
        return from.Current.Refusal is { } refusal
            ? throw new PoolException($"the run at {_spec.Coordinator} refuses this worker: {Shown.Line(refusal.Why).TrimEnd('.')}.")
            : from.Current;
    }

    private GrpcChannel NewChannel()
    {
        var handler = new SocketsHttpHandler
        {
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingTimeout = PingTimeout,
            ConnectTimeout = LongestGreeting,
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                // Any certificate will do: the proofs say whether it is that of who knows the secret.
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    _certificate = certificate?.GetCertHash(HashAlgorithmName.SHA256) ?? [];
                    return _certificate.Length > 0;
                },
            },
        };
        return GrpcChannel.ForAddress(
            $"{(_secret == null ? "http" : "https")}://{_spec.Coordinator}",
            new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true, MaxReceiveMessageSize = MostBytes });
    }
}

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
    // What the longest architectures of a group of paths take.
    private const int MostBytes = 1 << 20;

    private static readonly TimeSpan LongestGreeting = TimeSpan.FromSeconds(15), Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10), PingTimeout = TimeSpan.FromSeconds(20);

    private readonly JoinSpec _spec;
    private readonly PoolWork _work;
    private readonly Action<string> _say;
    private readonly SharedSecret? _secret;
    private readonly string _name = $"{Environment.MachineName}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}";
    private byte[] _certificate = [];
    private TrainingRecipe? _recipe;
    private int _scored, _trained;

    /// <param name="say">Told what it does.</param>
    public WorkerClient(JoinSpec spec, PoolWork work, Action<string> say)
    {
        (_spec, _work, _say) = (spec, work, say);
        _secret = spec.Secret == null ? null : new SharedSecret(spec.Secret);
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
        using GrpcChannel channel = NewChannel();
        using var call = new Pool.PoolClient(channel).Work(cancellationToken: CancellationToken.None);
        var from = new CoordinatorMessages(_spec.Coordinator, call.ResponseStream);
        using (var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel))
        {
            soon.CancelAfter(LongestGreeting);
            await Greet(from, call.RequestStream, soon.Token);
        }
        _say($"Joined the run at {_spec.Coordinator} as {_name}.");
        var joined = new JoinedWorker(_work, _recipe, from, call.RequestStream);
        Parting parting;
        try
        {
            parting = await joined.Serve(cancel);
        }
        catch (Exception error) when (error is RpcException or IOException or InvalidOperationException)
        {
            return (Parting.Broken, true);
        }
        finally
        {
            (_scored, _trained) = (_scored + joined.Scored, _trained + joined.Trained);
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

    private async Task Greet(CoordinatorMessages from, IClientStreamWriter<FromWorker> to, CancellationToken soon)
    {
        FromCoordinator said = await from.Next(soon);
        byte[] nonce = SharedSecret.NewNonce(), theirs = said.Challenge?.Nonce.ToByteArray() ?? [];
        var hello = new Hello { Name = _name, Machine = Environment.MachineName, Nonce = ByteString.CopyFrom(nonce) };
        if (_secret != null) hello.Proof = ByteString.CopyFrom(_secret.Prove(SharedSecret.Worker, theirs, nonce, _certificate));
        foreach ((string name, string value) in _work.Facts) hello.Facts[name] = value;
        await to.WriteAsync(new FromWorker { Hello = hello }, soon);
        said = await from.Next(soon);
        if (said.Welcome is not { } welcome) throw CoordinatorMessages.Unfitting();
        _recipe = RecipeOf(welcome.Recipe);
        if (_secret?.IsProof(welcome.Proof.Span, SharedSecret.Coordinator, theirs, nonce, _certificate) == false)
        {
            throw new PoolException($"--join {_spec.Coordinator}: what is there does not know the secret of --secret-file.");
        }
    }

    private static TrainingRecipe? RecipeOf(Recipe? told)
    {
        static KeyValuePair<string, string>[] Of(IEnumerable<Option> options) =>
            [.. options.Select(option => KeyValuePair.Create(option.Name, option.Value))];
        return told == null ? null : new TrainingRecipe(told.Kind, Of(told.Options), Of(told.CameTo));
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

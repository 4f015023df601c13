using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Spos.Cli.Verbs;
using Spos.Runs.Phases;
using Spos.Workers.Protocol;

namespace Spos.Cli.Tests.Workers;

/// <summary>A worker that says what a test wants it to say.</summary>
internal sealed class FakeWorker : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly AsyncDuplexStreamingCall<FromWorker, FromCoordinator> _call;
    private readonly SharedSecret? _secret;
    private byte[] _certificate = [];

    public FakeWorker(string address, string? secret = null)
    {
        _secret = secret == null ? null : new SharedSecret(secret);
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
        {
            _certificate = certificate!.GetCertHash(HashAlgorithmName.SHA256);
            return _certificate.Length > 0;
        };
        _channel = GrpcChannel.ForAddress(
            $"{(secret == null ? "http" : "https")}://{address}",
            new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _call = new Pool.PoolClient(_channel).Work();
    }

    /// <summary>What a true worker can do with the supernet of the tests, for the caller to dispose of.</summary>
    public static PoolWork WorkOn(PipelineFixture fixture) => new WorkerVerb
    {
        ImagenetDir = fixture.Data,
        CheckpointPath = fixture.At("supernet"),
        TrainIters = 1,
        TrainBatchSize = 8,
    }.Open(CancellationToken.None)!;

    /// <summary>Says who it is.</summary>
    /// <returns>What it is answered: a welcome or a refusal.</returns>
    /// <param name="machine">Null for one that no other worker has.</param>
    public async Task<FromCoordinator> Greet(string name, IReadOnlyDictionary<string, string> facts, string? machine = null)
    {
        byte[] theirs = (await Hear()).Challenge.Nonce.ToByteArray(), own = SharedSecret.NewNonce();
        var hello = new Hello { Name = name, Machine = machine ?? $"of-{name}", Nonce = ByteString.CopyFrom(own) };
        if (_secret != null) hello.Proof = ByteString.CopyFrom(_secret.Prove(SharedSecret.Worker, theirs, own, _certificate));
        foreach ((string fact, string value) in facts) hello.Facts[fact] = value;
        await Say(new FromWorker { Hello = hello });
        return await Hear();
    }

    public Task Say(FromWorker what) => _call.RequestStream.WriteAsync(what);

    /// <exception cref="EndOfStreamException">Nothing more is said.</exception>
    public async Task<FromCoordinator> Hear() =>
        await _call.ResponseStream.MoveNext(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60))
            ? _call.ResponseStream.Current
            : throw new EndOfStreamException();

    /// <summary>Asks for work, and hears what comes.</summary>
    /// <param name="begun">Trainings that it has begun.</param>
    public async Task<FromCoordinator> Ask(uint room, params string[] begun)
    {
        await Say(new FromWorker { Ready = new Ready { Room = room, Begun = { begun } } });
        return await Hear();
    }

    /// <summary>Sends a checkpoint in pieces.</summary>
    /// <param name="sha256">The digest that is told; null for the right one.</param>
    public async Task Send(Job job, byte[] checkpoint, byte[]? sha256 = null)
    {
        foreach (byte[] piece in checkpoint.Chunk(1 << 16))
        {
            await Say(new FromWorker { Piece = new Piece { Data = ByteString.CopyFrom(piece) } });
        }
        var trained = new Trained { Number = job.Number, Sha256 = ByteString.CopyFrom(sha256 ?? SHA256.HashData(checkpoint)) };
        await Say(new FromWorker { Trained = trained });
    }

    public Task Answer(Job job, Func<string, double> score)
    {
        var result = new Result { Number = job.Number };
        result.Scores.AddRange(job.Architectures.Select(score));
        return Say(new FromWorker { Result = result });
    }

    /// <summary>Scores until nothing more comes.</summary>
    /// <returns>The last that it heard; null where the connection ended.</returns>
    public async Task<FromCoordinator?> Work(Func<string, double> score, uint room = 2)
    {
        try
        {
            while (true)
            {
                FromCoordinator heard = await Ask(room);
                if (heard.Job is not { } job) return heard;
                await Answer(job, score);
            }
        }
        catch (Exception error) when (error is RpcException or EndOfStreamException or InvalidOperationException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _call.Dispose();
        _channel.Dispose();
    }
}

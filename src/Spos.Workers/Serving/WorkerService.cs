using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Spos.Runs.Phases;
using Spos.Workers.Protocol;
using Spos.Workers.Sharing;

namespace Spos.Workers.Serving;

/// <summary>
/// Talks to one worker in each call. What a worker says is not trusted: it is bounded and checked, and a connection
/// that gives no sign of life is given up.
/// </summary>
internal sealed class WorkerService(
    string? secret, X509Certificate2? certificate, IReadOnlyDictionary<string, string> facts, Dispatch dispatch, CancellationToken ends)
    : Scoring.ScoringBase
{
    private const int LongestName = 100;

    private const string SetAside = "it was set aside for a wrong score. See what the search says of it";
    private const string Unfitting = "what it sent does not fit what it was asked";

    private static readonly TimeSpan LongestGreeting = TimeSpan.FromSeconds(15), LongestParting = TimeSpan.FromSeconds(5);

    private readonly SharedSecret? _secret = secret == null ? null : new SharedSecret(secret);
    private readonly byte[] _certificate = certificate?.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256) ?? [];

    public override async Task Work(
        IAsyncStreamReader<FromWorker> requestStream, IServerStreamWriter<FromCoordinator> responseStream, ServerCallContext context)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, ends);
        try
        {
            Member? member = await Greet(requestStream, responseStream, context.Peer, stop.Token);
            if (member != null) await Serve(member, requestStream, responseStream, stop.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            // It is gone, or the coordinator is: there is nobody to tell.
        }
    }

    // Who joins; null if it may not, which it is told.
    private async Task<Member?> Greet(
        IAsyncStreamReader<FromWorker> from, IServerStreamWriter<FromCoordinator> to, string peer, CancellationToken stop)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(stop);
        soon.CancelAfter(LongestGreeting);
        byte[] nonce = SharedSecret.NewNonce();
        await to.WriteAsync(new FromCoordinator { Challenge = new Challenge { Nonce = ByteString.CopyFrom(nonce) } }, soon.Token);
        if (!await from.MoveNext(soon.Token) || from.Current.Hello is not { } hello) return null;
        ReadOnlyMemory<byte> theirs = hello.Nonce.Memory;
        if (_secret?.IsProof(hello.Proof.Span, SharedSecret.Worker, nonce, theirs.Span, _certificate) == false)
        {
            await Refuse(to, "it does not know the secret. Give it the --secret-file of the search", soon.Token);
            return null;
        }
        string name = Shown.Line(hello.Name);
        if (name.Length is 0 or > LongestName || theirs.Length != SharedSecret.NonceLength)
        {
            await Refuse(to, "it does not introduce itself as spos worker does", soon.Token);
            return null;
        }
        if (ScoringFacts.DifferenceOf(facts, hello.Facts) is { } difference)
        {
            await Refuse(
                to,
                $"{difference}. Workers need the checkpoint, the data set, the options, the version and the kind of device of the search; "
                + "SPOS_CPU names a CPU's instructions",
                soon.Token);
            return null;
        }
        Member? member = dispatch.Join(name, AddressOf(peer));
        if (member == null)
        {
            await Refuse(to, SetAside, soon.Token);
            return null;
        }
        byte[] proof = _secret?.Prove(SharedSecret.Coordinator, nonce, theirs.Span, _certificate) ?? [];
        try
        {
            await to.WriteAsync(new FromCoordinator { Welcome = new Welcome { Proof = ByteString.CopyFrom(proof) } }, soon.Token);
        }
        catch
        {
            dispatch.Leave(member, null, "the connection broke");
            throw;
        }
        return member;
    }

    private async Task Serve(
        Member member, IAsyncStreamReader<FromWorker> from, IServerStreamWriter<FromCoordinator> to, CancellationToken stop)
    {
        Lease? lease = null;
        string? why = "the connection broke, or it gave no sign of life";
        // What it says next; false where it says nothing more, or nothing that is believed.
        Task<bool>? said = null;
        async Task<bool> Next()
        {
            said = from.MoveNext(stop);
            await Task.WhenAny(said, member.IsSetAside);
            return !member.IsSetAside.IsCompleted && await said;
        }

        try
        {
            while (await Next())
            {
                if (from.Current.Ready is not { } ready)
                {
                    why = WhyItLeaves(from.Current);
                    return;
                }
                // It may leave while it waits.
                Task<bool> next = Next();
                while (true)
                {
                    Task changed = dispatch.Changed;
                    if (dispatch.IsOver)
                    {
                        await to.WriteAsync(new FromCoordinator { Over = new Over() }, stop);
                        why = null;
                        return;
                    }
                    lease = dispatch.Take(member, (int)Math.Min(ready.Room, 1024));
                    if (lease != null || next.IsCompleted) break;
                    await Task.WhenAny(changed, next);
                }
                if (lease != null)
                {
                    var job = new Job { Number = (ulong)lease.Number };
                    job.Architectures.AddRange(lease.Paths.Select(path => path.ToString()));
                    await to.WriteAsync(new FromCoordinator { Job = job }, stop);
                }
                if (!await next) return;
                if (lease == null || from.Current.Result is not { } result)
                {
                    why = WhyItLeaves(from.Current);
                    return;
                }
                if (!IsAnswer(result, lease))
                {
                    why = Unfitting;
                    return;
                }
                dispatch.Finish(member, lease, [.. result.Scores]);
                lease = null;
            }
        }
        finally
        {
            if (ends.IsCancellationRequested) why = null;
            dispatch.Leave(member, lease, why);
            if (member.IsSetAside.IsCompleted && !stop.IsCancellationRequested)
            {
                await Refuse(to, SetAside, stop);
                // To end the call while it says something would keep it from hearing that.
                using var soon = CancellationTokenSource.CreateLinkedTokenSource(stop);
                soon.CancelAfter(LongestParting);
                while (said == null || await said.WaitAsync(soon.Token)) said = from.MoveNext(stop);
            }
        }
    }

    private static string? WhyItLeaves(FromWorker said) => said.KindCase switch
    {
        FromWorker.KindOneofCase.Leaving => null,
        FromWorker.KindOneofCase.Failure => $"it fails: {Shown.Excerpt(said.Failure.Why)}",
        _ => Unfitting,
    };

    private static bool IsAnswer(Result result, Lease lease) =>
        result.Number == (ulong)lease.Number && result.Scores.Count == lease.Paths.Count
        && result.Scores.All(score => score is >= 0 and <= 1);

    private static Task Refuse(IServerStreamWriter<FromCoordinator> to, string why, CancellationToken stop) =>
        to.WriteAsync(new FromCoordinator { Refusal = new Refusal { Why = why } }, stop);

    // gRPC says ipv4:127.0.0.1:1234.
    private static string AddressOf(string peer) => Shown.Line(peer[(peer.IndexOf(':', StringComparison.Ordinal) + 1)..]);
}

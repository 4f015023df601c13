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
    CoordinatorSpec spec, PoolSpec pool, X509Certificate2? certificate, Dispatch dispatch, CancellationToken ends) : Pool.PoolBase
{
    private const int LongestName = 100;

    private static readonly TimeSpan LongestGreeting = TimeSpan.FromSeconds(15);

    private readonly SharedSecret? _secret = spec.Secret == null ? null : new SharedSecret(spec.Secret);
    private readonly byte[] _certificate = certificate?.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256) ?? [];

    public override async Task Work(
        IAsyncStreamReader<FromWorker> requestStream, IServerStreamWriter<FromCoordinator> responseStream, ServerCallContext context)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, ends);
        try
        {
            Member? member = await Greet(requestStream, responseStream, context.Peer, stop.Token);
            if (member == null) return;
            var conversation = new Conversation(
                member, dispatch, requestStream, responseStream, pool.Folder, spec.Silence * spec.Patience, stop.Token);
            await conversation.Hold(ends);
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
            await Refuse(to, "it does not know the secret. Give it the --secret-file of the run", soon.Token);
            return null;
        }
        string name = Shown.Line(hello.Name);
        if (name.Length is 0 or > LongestName || theirs.Length != SharedSecret.NonceLength)
        {
            await Refuse(to, "it does not introduce itself as spos worker does", soon.Token);
            return null;
        }
        if (WorkFacts.DifferenceOf(pool.Facts, hello.Facts) is { } difference)
        {
            await Refuse(
                to,
                $"{difference}. Workers need the checkpoint, the data set, the options, the version and the kind of device of the run; "
                + "SPOS_CPU names a CPU's instructions",
                soon.Token);
            return null;
        }
        string machine = Shown.Line(hello.Machine);
        machine = machine.Length > LongestName ? machine[..LongestName] : machine;
        Member? member = dispatch.Join(name, machine, AddressOf(peer), out string? refusal);
        if (member == null)
        {
            await Refuse(to, refusal!, soon.Token);
            return null;
        }
        byte[] proof = _secret?.Prove(SharedSecret.Coordinator, nonce, theirs.Span, _certificate) ?? [];
        try
        {
            var welcome = new Welcome { Proof = ByteString.CopyFrom(proof), Recipe = RecipeOf(pool.Recipe) };
            await to.WriteAsync(new FromCoordinator { Welcome = welcome }, soon.Token);
        }
        catch
        {
            dispatch.Leave(member, null, new Loss("the connection broke"));
            throw;
        }
        return member;
    }

    private static Recipe? RecipeOf(TrainingRecipe? recipe)
    {
        if (recipe == null) return null;
        static IEnumerable<Option> Of(IEnumerable<KeyValuePair<string, string>> options) =>
            options.Select(option => new Option { Name = option.Key, Value = option.Value });
        var told = new Recipe { Kind = recipe.Kind };
        told.Options.AddRange(Of(recipe.Options));
        told.CameTo.AddRange(Of(recipe.CameTo));
        return told;
    }

    private static Task Refuse(IServerStreamWriter<FromCoordinator> to, string why, CancellationToken stop) =>
        to.WriteAsync(new FromCoordinator { Refusal = new Refusal { Why = why } }, stop);

    // gRPC says ipv4:127.0.0.1:1234.
    private static string AddressOf(string peer) => Shown.Line(peer[(peer.IndexOf(':', StringComparison.Ordinal) + 1)..]);
}

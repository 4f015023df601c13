using System.Security.Cryptography;
using System.Text;

namespace Spos.Workers.Protocol;

/// <summary>
/// How coordinator and worker show each other that they know the same secret. A proof is an HMAC of both sides' random numbers and of the
/// certificate by which the connection is encrypted, so that nobody who sits between them can pass it on. Neither tells the secret.
/// </summary>
internal sealed class SharedSecret(string secret)
{
    /// <summary>Bytes of a random number.</summary>
    public const int NonceLength = 32;

    // What a proof of one side says is no proof of the other's.
    public const string Worker = "spos worker", Coordinator = "spos coordinator";

    private readonly byte[] _key = Encoding.UTF8.GetBytes(secret);

    public static byte[] NewNonce() => RandomNumberGenerator.GetBytes(NonceLength);

    /// <param name="certificate">The digest of the coordinator's certificate.</param>
    public byte[] Prove(string side, ReadOnlySpan<byte> coordinatorNonce, ReadOnlySpan<byte> workerNonce, ReadOnlySpan<byte> certificate)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        // The digests have one length, so that no two statements are the same bytes.
        foreach (ReadOnlyMemory<byte> part in new[]
        {
            SHA256.HashData(Encoding.UTF8.GetBytes(side)), SHA256.HashData(coordinatorNonce), SHA256.HashData(workerNonce),
            SHA256.HashData(certificate),
        })
        {
            hmac.AppendData(part.Span);
        }
        return hmac.GetHashAndReset();
    }

    public bool IsProof(
        ReadOnlySpan<byte> proof, string side, ReadOnlySpan<byte> coordinatorNonce, ReadOnlySpan<byte> workerNonce,
        ReadOnlySpan<byte> certificate) =>
        CryptographicOperations.FixedTimeEquals(proof, Prove(side, coordinatorNonce, workerNonce, certificate));
}

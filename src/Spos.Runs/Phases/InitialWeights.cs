using System.Globalization;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>
/// The weights that the training of a supernet began from: made again from its seed, or those of the checkpoint that it began from. Nothing
/// of them is kept beside a supernet.
/// </summary>
internal sealed class InitialWeights : IDisposable
{
    // Where there is no checkpoint that the training began from.
    private readonly (ulong Seed, InitialisationScheme Scheme) _random;
    private readonly CheckpointReader? _loaded;
    private readonly NetworkSpec _spec;

    /// <param name="initial">The checkpoint that it began from, or its folder; null for the one that it names, if it does.</param>
    /// <exception cref="UsageException">What it began from cannot be had; the message says why.</exception>
    /// <exception cref="CheckpointException">There is no such checkpoint, or it is damaged.</exception>
    public InitialWeights(string supernet, CheckpointHeader header, string? initial, Action<string> warn)
    {
        _spec = header.Spec;
        string began = header.Options.GetValueOrDefault(KeptOptions.LoadFact) ?? "";
        if (began.Length > 0)
        {
            _loaded = Open(supernet, began, initial ?? header.Options.GetValueOrDefault(KeptOptions.LoadOption), warn);
            return;
        }
        if (initial != null)
        {
            throw new UsageException($"--initial {initial}: the training of {supernet} began from random weights. Leave the option out.");
        }
        if (!ulong.TryParse(header.Options.GetValueOrDefault("seed"), CultureInfo.InvariantCulture, out ulong seed)
            || !Enum.TryParse(header.Options.GetValueOrDefault("init"), ignoreCase: true, out InitialisationScheme scheme)
            || !Enum.IsDefined(scheme))
        {
            throw new UsageException(
                $"--by angle: {supernet} does not tell the --seed and the --init that its training began with, as imported networks do "
                + "not, so its first weights cannot be made again. Use --by score.");
        }
        _random = (seed, scheme);
    }

    /// <summary>The checksum of the checkpoint that the training began from; nothing if it began from random weights.</summary>
    public string Checksum => _loaded == null ? "" : Convert.ToHexString(_loaded.Header.Sha256);

    /// <summary>The network with these weights.</summary>
    public ShuffleNetV2OneShot Load(Session session)
    {
        var network = new ShuffleNetV2OneShot(session, _loaded?.Header.Spec ?? _spec);
        try
        {
            if (_loaded != null) _loaded.Load(session, network);
            else Initialisation.Initialise(network, session.Stream, _random.Seed, _random.Scheme);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    public void Dispose() => _loaded?.Dispose();

    private static CheckpointReader Open(string supernet, string checksum, string? path, Action<string> warn)
    {
        if (!Path.Exists(path))
        {
            throw new UsageException(
                $"--by angle: the training of {supernet} began from another checkpoint, {path}, which is not there. Name it by --initial.");
        }
        CheckpointReader loaded = CheckpointFolder.Open(path, warn);
        if (Convert.ToHexString(loaded.Header.Sha256) == checksum) return loaded;
        using (loaded)
        {
            throw new UsageException(
                $"--by angle: {loaded.Path} is not the checkpoint that the training of {supernet} began from. Name that by --initial.");
        }
    }
}

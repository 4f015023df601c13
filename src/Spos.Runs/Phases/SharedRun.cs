using System.Runtime.InteropServices;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Devices;
using Spos.Engine.Ops.Convolutions;
using Spos.Engine.Ranks;
using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>Where a training stands.</summary>
/// <param name="SavedStep">The step of the newest checkpoint; negative if there is none.</param>
/// <param name="IsMeasured">Whether the epoch's end that it stands at, if it does, has been measured.</param>
internal readonly record struct RunProgress(long Steps, long SavedStep, bool IsMeasured);

/// <summary>Work that several processes or devices share: they begin alike, have the same pictures, and compute the same bits.</summary>
internal static class SharedRun
{
    /// <summary>Refuses more processes or devices than there are shards, before anything is opened.</summary>
    /// <exception cref="UsageException">There are more.</exception>
    public static void Require(IRanks ranks, int shards)
    {
        if (ranks.Count <= shards) return;
        throw new UsageException(
            $"{ranks.Count} {ranks.Plural} need --shards {ranks.Count} or more, and there are {shards}: each has at least one shard of "
            + $"a batch. Results depend on --shards, so a run that was begun keeps its number: give it fewer {ranks.Plural}.");
    }

    /// <summary>Refuses a plan by which processes or devices may compute other bits, before anything is opened.</summary>
    /// <exception cref="UsageException">It is one.</exception>
    public static void Require(IRanks ranks, ConvolutionPlan plan)
    {
        if (ranks.Count == 1 || plan != ConvolutionPlan.Auto) return;
        throw new UsageException(
            $"--plan auto chooses by what it measures, and several {ranks.Plural} may choose differently: name a plan, such as fused.");
    }

    /// <summary>Refuses processes that would compute something else than the first one, before any of them writes.</summary>
    /// <exception cref="UsageException">One would; the message says how it differs.</exception>
    public static void RequireSame(IRanks ranks, Device device, KeptOptions kept, TrainedOn data)
    {
        if (ranks.Count == 1) return;
        var facts = new Dictionary<string, string>(kept.Values)
        {
            ["the version"] = RunRecord.Version,
            ["the device"] = WorkFacts.KindOf(device),
            ["the data set"] = WorkFacts.DigestOf(data.ClassNames, data.Train, data.Val),
        };
        byte[][] all = ranks.GatherAll<byte>(JsonSerializer.SerializeToUtf8Bytes(facts));
        Dictionary<string, string> first = Read(all[0]);
        for (int rank = 1; rank < all.Length; rank++)
        {
            Dictionary<string, string> other = Read(all[rank]);
            string? name = first.Keys.Union(other.Keys).FirstOrDefault(one => other.GetValueOrDefault(one) != first.GetValueOrDefault(one));
            if (name == null) continue;
            throw new UsageException(
                $"{KeptOptions.TextOf(name)} is {other.GetValueOrDefault(name)} in {ranks.NameOf(rank)}, and "
                + $"{first.GetValueOrDefault(name)} in {ranks.NameOf(0)}: all {ranks.Plural} have to compute the same bits. Start them "
                + "with the same options, data set, version and kind of machine; SPOS_CPU names a CPU's instructions.");
        }
    }

    private static Dictionary<string, string> Read(byte[] facts) => JsonSerializer.Deserialize<Dictionary<string, string>>(facts)!;

    /// <summary>Has all begin as the first one does.</summary>
    /// <param name="progress">Where the run stands.</param>
    /// <returns>Where it stands by the first one.</returns>
    public static RunProgress Begin(
        IRanks ranks, Session session, ShuffleNetV2OneShot network, ShuffleNetV2OneShot? average, RunProgress progress)
    {
        if (ranks.Count == 1) return progress;
        RunProgress[] shared = [progress];
        ranks.Broadcast(MemoryMarshal.AsBytes(shared.AsSpan()));
        SharedNetwork.Give(ranks, session, network, average);
        return shared[0];
    }

    /// <summary>Does what each process does for itself and in its own folder, one after the other.</summary>
    /// <returns>What this one came to.</returns>
    public static bool InTurn(IRanks ranks, Func<bool> work)
    {
        bool done = false;
        for (int rank = 0; rank < ranks.Count; rank++)
        {
            if (rank == ranks.Rank) done = work();
            ranks.GatherAll<byte>([]);
        }
        return done;
    }
}

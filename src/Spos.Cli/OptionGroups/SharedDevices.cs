using Spos.Cli.Options;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;

namespace Spos.Cli.OptionGroups;

/// <summary>The devices of --devices, which do a verb's work together in this process.</summary>
internal static class SharedDevices
{
    // When one has failed, others may be in the midst of a long kernel, or wait for a file system that hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Has each device do its share on a thread of its own, and returns what the first one comes to.</summary>
    /// <param name="asked">Signalled when the work is to stop.</param>
    /// <exception cref="UsageException">Several processes, which have a device each, were started.</exception>
    public static T Work<T>(
        IReadOnlyList<DeviceName> names, Func<DeviceName, Device> open, Func<WorkShare, T> work, CancellationToken asked)
    {
        if (Launcher.HasSeveral)
        {
            throw new UsageException(
                $"--devices is for a single process, and mpirun or srun started {Launcher.CountText}. Leave one of the two out: processes "
                + "have a device each (docs/cluster.md).");
        }
        if (names.Count == 1) return work(new WorkShare(OneRank.Alone, () => open(names[0]), asked));
        // The second GPU of a kind finds the kernels that were compiled for the first one.
        var turn = new Lock();
        return DeviceRanks.Run(
            [.. names.Select(name => $"device {name.Index}")],
            ranks => work(new WorkShare(ranks, () => Open(ranks), ranks.Stopped)),
            Patience, failure => StopSignal.EndAtOnce(Program.Explain(failure)), asked)[0];

        Device Open(DeviceRanks ranks)
        {
            Device device;
            lock (turn) device = open(names[ranks.Rank]);
            // None goes on, and writes, unless all have theirs.
            ranks.GatherAll<byte>([]);
            return device;
        }
    }
}

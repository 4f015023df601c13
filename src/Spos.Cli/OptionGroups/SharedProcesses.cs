using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Engine.Training;

namespace Spos.Cli.OptionGroups;

/// <summary>The processes that mpirun or srun has started for a verb's work, or the devices that do it in one.</summary>
internal sealed class SharedProcesses
{
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(1);

    private int _onMachine = 1;

    /// <summary>Whether this process tells what the work came to, and not another one that it was for.</summary>
    public static bool TellsResults => Launcher.Rank is null or 0;

    private static int Processors => File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal));

    /// <summary>
    /// Does a verb's work: all of it, or the share of this process, or that of each device of --devices. If one fails, all of them end.
    /// </summary>
    /// <param name="advice">What is to be done when a process is lost, as sentences.</param>
    /// <param name="open">Opens the device of that name; null for that of --device.</param>
    /// <param name="asked">Signalled when this process is asked to stop.</param>
    public T Work<T>(
        ISharedOptions options, string advice, Func<DeviceName?, Device> open, Func<WorkShare, T> work, CancellationToken asked)
    {
        if (options.Devices is { } devices)
        {
            IReadOnlyList<DeviceName> names = DeviceListAttribute.Parse(devices);
            _onMachine = names.Count;
            return SharedDevices.Work(names, name => open(name), work, asked);
        }
        using IRanks ranks = Open(options.MpiTimeout, advice, asked, out CancellationToken stopped);
        try
        {
            T result = work(new WorkShare(ranks, () => open(null), stopped));
            ranks.Leave();
            return result;
        }
        catch (Exception error) when (ranks is MpiRanks { Count: > 1 } several)
        {
            if (!ranks.IsFirst && error.GetBaseException() is DivergenceException && FirstTells(asked))
            {
                StopSignal.EndAtOnce(ExitCode.Failure);
            }
            int code = Program.Explain(error);
            StopSignal.EndAtOnce(code, () => several.Abort(code));
            throw;
        }
    }

    /// <summary>Gives a device its share of the machine's cores.</summary>
    public void ShareCores(Device device)
    {
        if (_onMachine == 1 || device.InstructionSet.Length == 0) return;
        device.Threads = Math.Clamp(Processors / _onMachine, 1, device.Threads);
    }

    // What all of them fail of, the first one tells. When it ends, the launcher sends the others SIGTERM.
    private static bool FirstTells(CancellationToken asked)
    {
        bool wasAsked = asked.IsCancellationRequested;
        if (wasAsked) Thread.Sleep(Courtesy);
        return !wasAsked && asked.WaitHandle.WaitOne(Courtesy);
    }

    // Connects processes; this one stands alone where no launcher has started several.
    private IRanks Open(int timeout, string advice, CancellationToken asked, out CancellationToken stopped)
    {
        stopped = asked;
        if (!Launcher.HasSeveral) return OneRank.Alone;
        MpiRanks? ranks = null;
        ranks = new MpiRanks(TimeSpan.FromSeconds(timeout), Lost, asked);
        stopped = ranks.Stopped;
        _onMachine = ranks.OnMachine;
        return ranks;

        void Lost(int process)
        {
            string name = ranks?.NameOf(process) ?? $"process {process}";
            Notice.Warn(
                $"{name} has given no sign of life for {timeout} seconds (--mpi-timeout): it was stopped, or can no longer be reached. "
                + advice);
            StopSignal.EndAtOnce(ExitCode.Failure, () => ranks?.Abort(ExitCode.Failure));
        }
    }
}

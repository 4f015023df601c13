using Spos.Cli.Display;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Runs;

namespace Spos.Cli.OptionGroups;

/// <summary>The processes that mpirun or srun has started for a verb's work.</summary>
internal sealed class SharedProcesses
{
    private static readonly TimeSpan Courtesy = TimeSpan.FromSeconds(1);

    private int _onMachine = 1;

    /// <summary>Whether this process tells what the work came to, and not another one that it was for.</summary>
    public static bool TellsResults => Launcher.Rank is null or 0;

    private static int Processors => File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal));

    /// <summary>Connects them; this one stands alone where no launcher has started several.</summary>
    /// <param name="timeout">Seconds that another may give no sign of life.</param>
    /// <param name="advice">What is to be done when one is lost, as sentences.</param>
    /// <param name="asked">Signalled when this process is asked to stop.</param>
    /// <param name="stopped">Signalled when the work is to stop.</param>
    public IRanks Open(int timeout, string advice, CancellationToken asked, out CancellationToken stopped)
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

    /// <summary>What the work is given. Observers of all but the first process show nothing.</summary>
    public static RunContext ContextOf(IRanks ranks, Func<Device> openDevice, IRunObserver observer, CancellationToken stopped)
    {
        var context = new RunContext(openDevice, observer, stopped) { Ranks = ranks };
        return ranks.IsFirst ? context : context with { WarnOfShare = Notice.Warn };
    }

    /// <summary>Does the work of this process, and leaves the others. If it fails, all of them end.</summary>
    public static T Work<T>(IRanks ranks, Func<T> work)
    {
        try
        {
            T result = work();
            ranks.Leave();
            return result;
        }
        catch (Exception error) when (ranks.Count > 1)
        {
            // What all of them fail of, the first one tells.
            if (!ranks.IsFirst) Thread.Sleep(Courtesy);
            int code = Program.Explain(error);
            StopSignal.EndAtOnce(code, () => ranks.Abort(code));
            throw;
        }
    }

    /// <summary>Gives a device its share of the machine's cores.</summary>
    public void ShareCores(Device device)
    {
        if (_onMachine == 1 || device.InstructionSet.Length == 0) return;
        device.Threads = Math.Clamp(Processors / _onMachine, 1, device.Threads);
    }
}

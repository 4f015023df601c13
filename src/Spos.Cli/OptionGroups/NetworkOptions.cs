using CommandLine;
using Spos.Cli.Display;
using Spos.Cli.Options;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of training a network whose sizes are the user's to choose.</summary>
internal abstract class NetworkOptions : RecipeOptions, ISizeOptions, IDropoutOption
{
    [Option("shards", Default = 1, HelpText =
        "Equal parts of a batch, whose gradients are averaged. Batch norm, dropout and mixup work within a part. Results depend on how "
        + "many there are, and not on how many processes share them: with 8, 1 to 8 processes train to the same bits.")]
    [InRange(1, TrainingOptions.MostShards), Influences(Influence.Kept)]
    public int Shards { get; set; } = 1;

    [Option("mpi-timeout", Default = 30, HelpText =
        "Seconds without a sign of life of another process, where mpirun or srun started several, after which the run is ended.")]
    [InRange(1, 86_400), Influences(Influence.None)]
    public int MpiTimeout { get; set; } = 30;

    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    public string? Blocks { get; set; }

    public float Dropout { get; set; } = IDropoutOption.Default;

    /// <summary>Whether this process tells what the run came to, and not another one that it was for.</summary>
    protected static bool TellsResults => Launcher.Rank is null or 0;

    private int ProcessesOnMachine { get; set; } = 1;

    protected override IRanks OpenRanks(CancellationToken asked, out CancellationToken stopped)
    {
        if (!Launcher.HasSeveral) return base.OpenRanks(asked, out stopped);
        MpiRanks? ranks = null;
        ranks = new MpiRanks(TimeSpan.FromSeconds(MpiTimeout), Lost, asked);
        stopped = ranks.Stopped;
        ProcessesOnMachine = ranks.OnMachine;
        return ranks;

        void Lost(int process)
        {
            Notice.Warn(
                $"process {process} has given no sign of life for {MpiTimeout} seconds (--mpi-timeout): it was stopped, or can no longer "
                + "be reached. The run ends. Run the same command again, and it goes on from the last checkpoint.");
            StopSignal.EndAtOnce(ExitCode.Failure, () => ranks?.Abort(ExitCode.Failure));
        }
    }

    // Processes share a machine's cores, unless it is said how.
    protected override Device OpenDevice(bool dry = false)
    {
        Device device = base.OpenDevice(dry);
        if (ProcessesOnMachine > 1 && !IsThreadsGiven && device.InstructionSet.Length > 0)
        {
            device.Threads = Math.Clamp(Processors / ProcessesOnMachine, 1, device.Threads);
        }
        return device;
    }

    private static int Processors => File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal));

    /// <summary>The network's sizes.</summary>
    protected NetworkSizes Sizes => this.AskedSizes(Dropout);
}

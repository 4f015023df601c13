using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of training a network whose sizes are the user's to choose.</summary>
internal abstract class NetworkOptions : RecipeOptions, ISizeOptions, IDropoutOption, ISharedOptions
{
    [Option("shards", Default = 1, HelpText =
        "Equal parts of a batch, whose gradients are averaged. Batch norm, dropout and mixup work within a part. Results depend on how "
        + "many there are, and not on how many processes or devices share them: with 8, 1 to 8 of them train to the same bits.")]
    [InRange(1, TrainingOptions.MostShards), Influences(Influence.Kept)]
    public int Shards { get; set; } = 1;

    [Option("transport", Default = GradientTransport.Auto, HelpText =
        "What carries gradients between processes, where mpirun or srun started several: mpi (through the CPU's memory), nccl (from GPU to "
        + "GPU, by NVIDIA's NCCL), or auto for nccl where all processes can, else mpi. Results do not depend on it.")]
    [Influences(Influence.None)]
    public GradientTransport Transport { get; set; } = GradientTransport.Auto;

    public string? Devices { get; set; }

    public int MpiTimeout { get; set; } = ISharedOptions.DefaultTimeout;

    public SharedProcesses Processes { get; } = new();

    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    public string? Blocks { get; set; }

    public float Dropout { get; set; } = IDropoutOption.Default;

    protected override T Share<T>(Func<WorkShare, T> work, CancellationToken asked) => Processes.Work(
        this, "The run ends. Run the same command again, and it goes on from the last checkpoint.", name => OpenDevice(name), work, asked);

    /// <summary>A training that several processes or devices may share.</summary>
    protected TrainingSetup Shared(TrainingSetup setup)
    {
        if (Devices != null && Transport == GradientTransport.Nccl)
        {
            throw new UsageException(
                "--transport nccl is for processes that mpirun or srun starts; those of --devices are in one process. Leave one out.");
        }
        return setup with { Recipe = setup.Recipe with { Shards = Shards }, Transport = Transport };
    }

    /// <summary>The network's sizes.</summary>
    protected NetworkSizes Sizes => this.AskedSizes(Dropout);
}

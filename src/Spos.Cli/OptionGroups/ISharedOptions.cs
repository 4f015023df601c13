using CommandLine;
using Spos.Cli.Options;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>A verb whose work several processes can share, which mpirun or srun has started.</summary>
internal interface ISharedOptions
{
    /// <summary>--mpi-timeout where it is not given.</summary>
    const int DefaultTimeout = 30;

    [Option("mpi-timeout", Default = DefaultTimeout, HelpText =
        "Seconds without a sign of life of another process, where mpirun or srun started several, after which the run is ended.")]
    [InRange(1, 86_400), Influences(Influence.None)]
    int MpiTimeout { get; set; }

    /// <summary>The processes that share it.</summary>
    SharedProcesses Processes { get; }
}

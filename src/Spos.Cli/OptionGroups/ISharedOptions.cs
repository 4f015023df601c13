using CommandLine;
using Spos.Cli.Options;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>A verb whose work several devices of this process can share, or several processes, which mpirun or srun has started.</summary>
internal interface ISharedOptions
{
    /// <summary>--mpi-timeout where it is not given.</summary>
    const int DefaultTimeout = 30;

    [Option("devices", HelpText =
        "Devices of this machine that share the work in one process, such as 0,1,2,3 (default: the one of --device alone). Results do not "
        + "depend on how many there are. In training each has at least one of --shards. --threads and --workers are each device's.")]
    [DeviceList, Influences(Influence.None)]
    string? Devices { get; set; }

    [Option("mpi-timeout", Default = DefaultTimeout, HelpText =
        "Seconds without a sign of life of another process, where mpirun or srun started several, after which the run is ended.")]
    [InRange(1, 86_400), Influences(Influence.None)]
    int MpiTimeout { get; set; }

    /// <summary>Those that share it.</summary>
    SharedProcesses Processes { get; }
}

using System.Globalization;

namespace Spos.Engine.Ranks;

/// <summary>What mpirun or srun tells each process that it starts, by variables.</summary>
public static class Launcher
{
    // Open MPI's, MPICH's, and those of PMIx under Slurm.
    private static readonly (string Size, string Rank)[] Variables =
        [("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"), ("PMI_SIZE", "PMI_RANK"), ("SLURM_STEP_NUM_TASKS", "PMIX_RANK")];

    private static readonly (string Size, string Rank)? Own =
        Variables.Select(pair => ((string, string)?)pair).FirstOrDefault(pair => Number(pair!.Value.Item2) != null);

    /// <summary>Whether one has started this process.</summary>
    public static bool IsPresent => Own != null;

    /// <summary>How many processes it has started; null if it does not say.</summary>
    public static int? Count { get; } = Own is { } own ? Number(own.Size) : null;

    /// <summary>How many those are in a message.</summary>
    public static string CountText => Count?.ToString(CultureInfo.InvariantCulture) ?? "several";

    /// <summary>This process's number, from 0; null without a launcher.</summary>
    public static int? Rank { get; } = Own is { } own ? Number(own.Rank) : null;

    /// <summary>Whether it has started several, as far as it says.</summary>
    public static bool HasSeveral => IsPresent && Count != 1;

    /// <summary>Whether a variable is one by which a process is told that it is one of several.</summary>
    public static bool IsVariable(string name) => Variables.Any(pair => pair.Rank == name);

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : null;
}

namespace Spos.Workers.Sharing;

/// <summary>
/// Which workers the run lets in: none that gave a wrong result, nor another of its machine, and none of a machine whose workers fail again
/// and again. A worker that is started again has another name, so a machine is what is remembered. For one thread at a time.
/// </summary>
internal sealed class Admission
{
    /// <summary>Failures of a machine's workers, with nothing done between, after which none of it is let in.</summary>
    public const int MostFailures = 3;

    /// <summary>What a worker is told that gave a wrong result.</summary>
    public const string WrongResult = "it, or another of its machine, was set aside for a wrong result. See what the run says of it";

    private readonly HashSet<string> _workers = [], _machines = [];
    private readonly Dictionary<string, int> _failures = [];

    /// <summary>Why a worker is not let in; null if it is.</summary>
    public string? RefusalOf(string worker, string machine)
    {
        if (_workers.Contains(worker) || _machines.Contains(machine)) return WrongResult;
        return _failures.GetValueOrDefault(machine) < MostFailures ? null
            : $"{MostFailures} workers of its machine have failed one after another. Mend what they say; the run lets the machine in again "
            + "once it is started again";
    }

    /// <summary>A worker gave a wrong result.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Distrust(Member worker)
    {
        if (!_workers.Add(worker.Name)) return false;
        if (worker.Machine.Length > 0) _machines.Add(worker.Machine);
        return true;
    }

    /// <summary>A worker has told that it fails.</summary>
    /// <returns>Whether none of its machine is let in any longer.</returns>
    public bool CountFailure(Member worker) =>
        worker.Machine.Length > 0 && (_failures[worker.Machine] = _failures.GetValueOrDefault(worker.Machine) + 1) == MostFailures;

    /// <summary>A worker has done what it took.</summary>
    public void CountSuccess(Member worker)
    {
        if (_failures.GetValueOrDefault(worker.Machine) < MostFailures) _failures.Remove(worker.Machine);
    }
}

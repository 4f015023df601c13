using Spos.Runs.Phases;
using Spos.Space;

namespace Spos.Workers.Sharing;

/// <summary>The paths that are being scored, or trained, now, and how far each is.</summary>
internal sealed class Generation
{
    // Those that nobody has taken. Trainings are taken one by one, and are never in the queue.
    private readonly PathQueue _fresh;
    private readonly SortedSet<int> _untrained;

    /// <summary>Paths to score.</summary>
    /// <param name="seed">Fixes the pictures that they are recalibrated on.</param>
    public Generation(IReadOnlyList<Architecture> paths, ulong seed)
    {
        (Paths, Seed, Open) = (paths, seed, paths.Count);
        Works = [.. paths.Select(_ => new PathProgress())];
        (_fresh, _untrained) = (new PathQueue(paths), []);
    }

    /// <summary>Networks to train.</summary>
    public Generation(IPooledTrainings trainings)
        : this([.. trainings.All.Select(one => one.Path)], 0)
    {
        Trainings = trainings;
        (_fresh, _untrained) = (new PathQueue([]), [.. Enumerable.Range(0, Paths.Count)]);
    }

    /// <summary>How far a path is.</summary>
    public sealed class PathProgress
    {
        /// <summary>What has been given, and by whom; null while there is nothing.</summary>
        public (Answer Answer, Member By)? First { get; set; }

        /// <summary>What another has given; null while nobody has.</summary>
        public (Answer Answer, Member By)? Second { get; set; }

        /// <summary>
        /// Workers that were lost while they had it, and came no further with it than those before them: what each counts as, which those
        /// of a machine that say that they fail have in common, and its name.
        /// </summary>
        public Dictionary<string, string> Lost { get; } = [];

        /// <summary>How often a worker has said that it fails with it.</summary>
        public int Failures { get; set; }

        /// <summary>How far those came that were lost with it.</summary>
        public long Furthest { get; set; }
    }

    public IReadOnlyList<Architecture> Paths { get; }

    public ulong Seed { get; }

    /// <summary>What is trained; null where paths are scored.</summary>
    public IPooledTrainings? Trainings { get; }

    public PathProgress[] Works { get; }

    /// <summary>Those that a worker was lost with, which are taken one by one.</summary>
    public List<int> Suspects { get; } = [];

    /// <summary>Those whose score somebody else is to give again.</summary>
    public List<int> Unchecked { get; } = [];

    /// <summary>Those of which two scores are known that differ: the coordinator itself settles it.</summary>
    public List<int> Disputed { get; } = [];

    /// <summary>What the run has not been told.</summary>
    public Queue<(int Path, Answer Answer)> News { get; } = [];

    /// <summary>Paths that nothing is known of, and checks that are not done.</summary>
    public int Open { get; set; }

    /// <summary>A path in words.</summary>
    public string NameOf(int path) => Trainings == null ? $"candidate {Paths[path]}" : $"the training of {Paths[path]}";

    /// <summary>Takes of those that nobody has.</summary>
    /// <param name="sharers">Who shares what is left.</param>
    /// <param name="hasBegun">Tells the trainings that whoever asks would go on with.</param>
    public int[] Take(int room, int sharers, Predicate<PooledTraining> hasBegun)
    {
        if (Trainings == null) return _fresh.Take(room, sharers);
        if (_untrained.Count == 0) return [];
        int taken = _untrained.FirstOrDefault(i => hasBegun(Trainings.All[i]), _untrained.Min);
        _untrained.Remove(taken);
        return [taken];
    }

    /// <summary>Gives back what was taken and is not done.</summary>
    public void Return(IEnumerable<int> taken)
    {
        if (Trainings == null) _fresh.Return(taken);
        else _untrained.UnionWith(taken);
    }
}

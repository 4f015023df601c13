using Spos.Space;

namespace Spos.Workers.Sharing;

/// <summary>The paths that are being scored now, and how far each is.</summary>
internal sealed class Generation(IReadOnlyList<Architecture> paths)
{
    /// <summary>How far a path is.</summary>
    public sealed class Work
    {
        /// <summary>The score, and who has given it; null while there is none.</summary>
        public (double Score, Member By)? First { get; set; }

        /// <summary>What another has given; null while nobody has.</summary>
        public (double Score, Member By)? Second { get; set; }

        /// <summary>Workers that were lost while they had it.</summary>
        public List<string> Lost { get; } = [];
    }

    public IReadOnlyList<Architecture> Paths => paths;

    public Work[] Works { get; } = [.. paths.Select(_ => new Work())];

    /// <summary>Those that nobody has taken.</summary>
    public PathQueue Fresh { get; } = new(paths);

    /// <summary>Those that a worker was lost with, which are scored one by one.</summary>
    public List<int> Suspects { get; } = [];

    /// <summary>Those whose score somebody else is to give again.</summary>
    public List<int> Unchecked { get; } = [];

    /// <summary>Those of which two scores are known that differ: the coordinator itself settles it.</summary>
    public List<int> Disputed { get; } = [];

    /// <summary>Scores that the search has not been told.</summary>
    public Queue<(int Path, double Score)> News { get; } = [];

    /// <summary>Paths that have no score, and checks that are not done.</summary>
    public int Open { get; set; } = paths.Count;
}

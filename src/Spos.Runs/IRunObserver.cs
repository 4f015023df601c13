using Spos.Engine.Supernet;
using Spos.Engine.Training;
using Spos.Space;

namespace Spos.Runs;

/// <summary>A run that begins, or goes on.</summary>
/// <param name="Folder">Where it leaves its files.</param>
/// <param name="Options">
/// The options that repeat it, by name: those that it was asked for, with what was worked out of the pictures and the network in the place
/// of what was left open.
/// </param>
/// <param name="Space">What the network's blocks are left with to choose from; null for all that they can be.</param>
public sealed record RunBegin(
    string Folder, NetworkSpec Network, IReadOnlyDictionary<string, string?> Options, SearchSpace? Space = null);

/// <summary>What a part of a run does over and over.</summary>
public enum PartKind
{
    /// <summary>It trains, step by step.</summary>
    Training,

    /// <summary>It finds candidates and scores them.</summary>
    Search,

    /// <summary>It measures paths that are given.</summary>
    Scoring,

    /// <summary>It makes a cache of decoded pictures.</summary>
    Caching,

    /// <summary>It tells what is in pictures.</summary>
    Prediction,
}

/// <summary>A part of a run that takes long, and of which it is known how far it is.</summary>
/// <param name="Folder">Where the part leaves its files.</param>
/// <param name="Unit">What is counted to tell how fast it goes, such as pictures.</param>
/// <param name="Total">Steps, candidates or scores of the whole part.</param>
/// <param name="FirstStep">The step that a part which goes on goes on from; 0 of one that begins.</param>
public sealed record RunPart(PartKind Kind, string Title, string Folder, string Unit, long Total, long FirstStep = 0)
{
    /// <summary>What a training or a search depends on: options by name, with what they came to; empty of other parts.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// Who watches a run: a progress bar, a log, a board. A phase tells its observers alone what it does. Each call but
/// <see cref="Say"/> and <see cref="Warn"/> comes from one thread at a time, and an observer takes what it cares for. What an
/// observer throws ends the run as if the run had thrown it.
/// </summary>
public interface IRunObserver
{
    /// <summary>All that can be refused has been: the run begins, and from now on it is stopped in good order.</summary>
    void Begin(RunBegin run) { }

    /// <summary>A part begins. It ends before the next one begins.</summary>
    void BeginPart(RunPart part) { }

    /// <summary>A step of training is done.</summary>
    /// <param name="isLogged">Whether it is one of those that --log-frequency asks for.</param>
    void Stepped(StepReport report, bool isLogged) { }

    /// <summary>The network was measured on val after an epoch.</summary>
    /// <param name="averaged">Whether with the averaged weights.</param>
    /// <param name="epoch">Counted from 1.</param>
    void Measured(bool averaged, long atStep, int epoch, Accuracy accuracy) { }

    /// <summary>A candidate of a search is scored.</summary>
    /// <param name="count">Candidates so far.</param>
    /// <param name="best">The best score so far.</param>
    void Candidate(Candidate candidate, int count, double best) { }

    /// <summary>All candidates of a generation are scored.</summary>
    /// <param name="generation">Counted from 1.</param>
    /// <param name="candidates">Its candidates; none where all paths are known already.</param>
    void Generation(int generation, IReadOnlyList<Candidate> candidates) { }

    /// <summary>A path that was given is measured.</summary>
    /// <param name="done">Measurements so far.</param>
    void Score(long done, double top1) { }

    /// <summary>A picture is in a cache, or cannot be decoded.</summary>
    /// <param name="done">Pictures so far.</param>
    void Cached(long done) { }

    /// <summary>A batch of pictures is predicted.</summary>
    /// <param name="done">Pictures so far.</param>
    void Predicted(long done) { }

    /// <summary>A checkpoint, or the state of a search or ranking, was written.</summary>
    void Saved(string file) { }

    /// <summary>The part has come to its end, by itself: no stop and no failure. <see cref="EndPart"/> follows.</summary>
    void PartDone() { }

    /// <summary>The part ends: it is done, was stopped, or failed.</summary>
    void EndPart() { }

    /// <summary>What the run does, in a sentence.</summary>
    void Say(string message) { }

    /// <summary>What should be known besides the results, in a sentence.</summary>
    void Warn(string message) { }
}

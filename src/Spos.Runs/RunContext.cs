using Spos.Engine.Devices;
using Spos.Engine.Ranks;

namespace Spos.Runs;

/// <summary>What a phase is given besides its options.</summary>
/// <param name="OpenDevice">Opens the device that it computes on, once what needs none is checked.</param>
/// <param name="Observer">Told of all that it does.</param>
/// <param name="Cancel">Signalled when it is to save and end.</param>
public sealed record RunContext(Func<Device> OpenDevice, IRunObserver Observer, CancellationToken Cancel)
{
    /// <summary>The processes that do the work together. Observers of all but the first show nothing.</summary>
    public IRanks Ranks { get; init; } = OneRank.Alone;

    /// <summary>Told, in a sentence, what this process finds of its share of the work, such as damaged pictures.</summary>
    public Action<string> WarnOfShare { get; init; } = Observer.Warn;
}

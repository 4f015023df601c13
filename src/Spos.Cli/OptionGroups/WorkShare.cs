using Spos.Cli.Display;
using Spos.Engine.Devices;
using Spos.Engine.Ranks;
using Spos.Runs;

namespace Spos.Cli.OptionGroups;

/// <summary>What one process, or one of its devices, does of a verb's work.</summary>
/// <param name="Ranks">All that do it together.</param>
/// <param name="OpenDevice">Opens its device.</param>
/// <param name="Stopped">Signalled when the work is to stop.</param>
internal sealed record WorkShare(IRanks Ranks, Func<Device> OpenDevice, CancellationToken Stopped)
{
    /// <summary>What a phase is given. Observers of all but the first show nothing.</summary>
    public RunContext Context(IRunObserver observer)
    {
        var context = new RunContext(OpenDevice, observer, Stopped) { Ranks = Ranks };
        return Ranks.IsFirst ? context : context with { WarnOfShare = Warn };
    }

    // A process's notices say anyway which one it is.
    private void Warn(string message) => Notice.Warn(Ranks is DeviceRanks ? $"{Ranks.NameOf(Ranks.Rank)}: {message}" : message);
}

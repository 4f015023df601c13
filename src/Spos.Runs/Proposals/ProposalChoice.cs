using Spos.Engine.Data;

namespace Spos.Runs.Proposals;

/// <summary>Chooses the largest pictures for which there is memory and time.</summary>
public static class ProposalChoice
{
    // Fewer epochs than this share of those that are meant teach nothing.
    private const double LeastShare = 0.25;

    /// <param name="most">How long the phases may take together. Where even the smallest pictures take longer, there are fewer epochs, but
    /// a quarter of them at least. Null for any time.</param>
    /// <param name="measure">Measures a step of a proposal; null if it has no room on the device.</param>
    /// <exception cref="DataException">There are too few pictures, or there is too little memory.</exception>
    public static (Proposal Options, PhaseTimes Times) Of(DataFacts data, TimeSpan? most, Func<Proposal, PictureSeconds?> measure)
    {
        (Proposal Options, PhaseTimes Times)? best = null;
        IReadOnlyList<int> sizes = Proposal.ImageSizes(data);
        foreach (int size in most == null ? sizes.Reverse() : sizes)
        {
            Proposal options = Proposal.Of(data, size);
            PictureSeconds? seconds = measure(options);
            for (; seconds == null && options.BatchSize >= 2 * Proposal.LeastBatch; seconds = measure(options))
            {
                options = options with { BatchSize = options.BatchSize / 2 };
            }
            if (seconds is not { } measured)
            {
                if (most == null) continue;
                break;
            }
            PhaseTimes times = PhaseTimes.Of(options, data, measured);
            if (most == null) return (options, times);
            if (best == null && times.Total > most)
            {
                double share = Math.Max(LeastShare, most.Value / times.Total);
                options = options with { Epochs = Math.Max(1, (int)(share * options.Epochs)) };
                return (options, PhaseTimes.Of(options, data, measured));
            }
            if (times.Total > most) break;
            best = (options, times);
        }
        return best ?? throw new DataException(
            $"There is too little memory for batches of {Proposal.LeastBatch} pictures of {sizes[0]}×{sizes[0]} pixels.");
    }
}

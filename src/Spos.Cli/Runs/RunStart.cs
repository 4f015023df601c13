namespace Spos.Cli.Runs;

/// <summary>How a run begins in its folder.</summary>
/// <param name="Resume">There has to be something to go on with.</param>
/// <param name="Restart">It begins anew, and what there is of it is removed.</param>
/// <param name="AcceptChangedData">It goes on with other pictures too.</param>
/// <param name="TbDir">Where TensorBoard's event files go; null for the run's folder.</param>
internal sealed record RunStart(bool Resume, bool Restart, bool AcceptChangedData, string? TbDir);

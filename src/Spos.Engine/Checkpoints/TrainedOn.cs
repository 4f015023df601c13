using Spos.Engine.Files;

namespace Spos.Engine.Checkpoints;

/// <summary>What a checkpoint keeps of the data set that its network was trained on.</summary>
/// <param name="ClassNames">In the order of the network's outputs.</param>
/// <param name="Train">What tells the training pictures from others; null if nobody knows.</param>
/// <param name="Val">The same of the validation pictures.</param>
public sealed record TrainedOn(IReadOnlyList<string> ClassNames, DataSetIdentity? Train = null, DataSetIdentity? Val = null);

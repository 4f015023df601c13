namespace Spos.Engine.Plans;

/// <summary>What a plan does with a batch.</summary>
public enum PlanKind
{
    /// <summary>Losses, ranks and the gradients of the path's parameters; batch norm by the batch.</summary>
    Training,

    /// <summary>The running statistics of the path's batch norms.</summary>
    Recalibration,

    /// <summary>Losses and ranks; batch norm by running statistics.</summary>
    Inference,
}

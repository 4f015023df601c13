using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;

namespace Spos.Runs.Phases;

/// <summary>Which weights of a checkpoint are used.</summary>
public enum WeightKind
{
    /// <summary>The averaged ones where there are some, else the last ones.</summary>
    Best,

    /// <summary>The moving average that --ema-decay keeps.</summary>
    Averaged,

    /// <summary>Those of the last step.</summary>
    Last,
}

/// <summary>Loads a checkpoint's weights for use.</summary>
public static class TrainedWeights
{
    /// <summary>Fills a network and returns whether with averaged weights.</summary>
    /// <exception cref="CheckpointException">
    /// The file is damaged, of another network or without the averages that are asked for.
    /// </exception>
    public static bool Load(CheckpointReader checkpoint, Session session, ShuffleNetV2OneShot network, WeightKind kind)
    {
        bool averaged = kind == WeightKind.Averaged || (kind == WeightKind.Best && checkpoint.Header.IsAveraged);
        if (averaged) checkpoint.LoadAverage(session, network);
        else checkpoint.Load(session, network);
        return averaged;
    }
}

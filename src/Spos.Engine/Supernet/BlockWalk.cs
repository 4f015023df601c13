using Spos.Engine.Tensors;

namespace Spos.Engine.Supernet;

/// <summary>
/// Works through the stages of a network block by block, forward and then backward. Any operation of a block may follow any of the block
/// before: what goes from block to block has the same shape, and lies at the same place, whatever the path.
/// </summary>
internal abstract class BlockWalk : IDisposable
{
    /// <summary>Takes over what the stem has made.</summary>
    public abstract void Begin(Tensor x);

    /// <summary>Makes room for what the blocks of a stage hand on.</summary>
    /// <param name="first">The first block's.</param>
    public virtual void BeginStage(int stage, BlockSpec first)
    {
    }

    /// <summary>Runs an operation of a block.</summary>
    /// <returns>What its backward pass needs.</returns>
    public abstract IDisposable Forward(Operation operation);

    /// <summary>The blocks of a stage have run.</summary>
    public virtual void EndStage(int stage)
    {
    }

    /// <summary>What goes into the tail: [N, H, W, channels of the last stage].</summary>
    public abstract Tensor End();

    /// <summary>Takes over the gradient of what <see cref="End"/> has returned.</summary>
    public abstract void BeginBackward(Tensor dy);

    /// <summary>Runs an operation backward.</summary>
    /// <param name="forward">What <see cref="Forward"/> has returned; let go.</param>
    public abstract void Backward(Operation operation, IDisposable forward);

    /// <summary>The blocks of a stage have run backward.</summary>
    public virtual void EndBackwardStage(int stage)
    {
    }

    /// <summary>The gradient of what the stem has made.</summary>
    public abstract Tensor EndBackward();

    public abstract void Dispose();
}

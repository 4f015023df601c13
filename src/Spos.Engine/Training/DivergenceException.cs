namespace Spos.Engine.Training;

/// <summary>Training has left the range of numbers, and cannot go on.</summary>
/// <param name="what">Such as "the loss is no longer a finite number".</param>
/// <param name="step">The step at which it was seen, counted from 1.</param>
/// <param name="learningRate">That step's.</param>
public sealed class DivergenceException(string what, long step, long steps, float learningRate)
    : SposException(
        step == 1
            ? $"{what} at step 1 of {steps}, before any weight has moved: "
              + "the learning rate is not the cause, but the weights that training "
              + "began with, which are too large or no numbers. Take another checkpoint if one was loaded, else another --init."
            : $"{what} at step {step} of {steps}, at a learning rate of {learningRate:g3}: training diverges. "
              + "Lower --learning-rate, or raise --warmup-steps.")
{
    /// <summary>Counted from 1.</summary>
    public long Step { get; } = step;
}

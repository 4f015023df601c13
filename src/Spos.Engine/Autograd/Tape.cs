using Spos.Engine.Tensors;

namespace Spos.Engine.Autograd;

/// <summary>
/// Records the ops of a forward pass and runs their backward in reverse. It knows no op by name. Memory is let go as
/// the pass goes: each step's saved values as soon as it has run.
/// </summary>
public sealed class Tape
{
    private readonly List<BackwardStep> _steps = [];

    /// <summary>Whether nothing is recorded.</summary>
    public bool IsEmpty => _steps.Count == 0;

    public void Record(BackwardStep step) => _steps.Add(step);

    /// <summary>
    /// Runs all recorded steps backward from <paramref name="gradient"/>, the gradient of <paramref name="output"/>, whose
    /// reference it takes over, and empties the tape. Gradients of parameters go to the parameters; with
    /// <paramref name="leaf"/>, an input that no op made, its gradient is returned, for the caller to dispose of.
    /// </summary>
    public Tensor? Backward(Session session, Tensor output, Tensor gradient, Tensor? leaf = null) =>
        Backward(session, output.Identity, gradient, leaf?.Identity);

    /// <summary>The same of tensors that nobody need hold any longer, by their identities.</summary>
    internal Tensor? Backward(Session session, long output, Tensor gradient, long? leaf = null)
    {
        var gradients = new GradientTable(session);
        gradients.Add(output, gradient);
        Tensor[] current = new Tensor[2];
        try
        {
            while (_steps.Count > 0)
            {
                BackwardStep step = _steps[^1];
                _steps.RemoveAt(_steps.Count - 1);
                using (step)
                {
                    for (int i = 0; i < step.Outputs.Length; i++) current[i] = gradients.Remove(step.Outputs[i]);
                    step.Run(session, current.AsSpan(0, step.Outputs.Length), gradients);
                    for (int i = 0; i < step.Outputs.Length; i++) current[i].Dispose();
                }
            }
            return leaf is { } input ? gradients.Take(input) : null;
        }
        finally
        {
            gradients.Clear();
            Clear();
        }
    }

    /// <summary>Forgets what was recorded.</summary>
    public void Clear()
    {
        foreach (BackwardStep step in _steps) step.Dispose();
        _steps.Clear();
    }
}

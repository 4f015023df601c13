namespace Spos.Runs.Phases;

/// <summary>Runs the parts of a run.</summary>
internal static class ObservedPart
{
    /// <summary>Does a part's work. Its end is told whatever becomes of it.</summary>
    public static void Observe(this IRunObserver observer, RunPart part, Action work)
    {
        try
        {
            observer.BeginPart(part);
            work();
        }
        finally
        {
            observer.EndPart();
        }
    }
}

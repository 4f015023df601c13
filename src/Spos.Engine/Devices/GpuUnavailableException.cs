namespace Spos.Engine.Devices;

/// <summary>A GPU cannot be used here; the message, which begins in lower case, says why and what to do.</summary>
/// <param name="isAbsent">Whether there is no GPU, or none that this process may see: nothing is broken.</param>
public sealed class GpuUnavailableException(string message, bool isAbsent = false, Exception? cause = null) : SposException(message, cause)
{
    public bool IsAbsent => isAbsent;
}

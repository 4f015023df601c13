namespace Spos.Field;

/// <summary>A case did not come out right.</summary>
internal sealed class CaseFailedException(string message) : Exception(message)
{
    /// <summary>Throws if something does not hold.</summary>
    public static void Unless(bool holds, string message)
    {
        if (!holds) throw new CaseFailedException(message);
    }
}

namespace Spos.Engine.Files;

/// <summary>Writes folders that are either whole or not there: beside, then renamed.</summary>
public static class AtomicFolder
{
    /// <summary>
    /// Makes <paramref name="path"/>, which is not there or empty, of what <paramref name="fill"/> puts in the folder that it is given.
    /// </summary>
    /// <exception cref="WriteException">It could not be written; nothing is left of it.</exception>
    public static void Write(string path, Action<string> fill)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), beside = $"{target}.{Environment.ProcessId}.tmp";
        UnfinishedWork.Begin(beside);
        try
        {
            Directory.CreateDirectory(beside);
            fill(beside);
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(beside, target);
        }
        catch (Exception error)
        {
            UnfinishedWork.Discard(beside);
            if (WriteException.Tells(error)) throw WriteException.Of(target, error);
            throw;
        }
        finally
        {
            UnfinishedWork.End(beside);
        }
    }
}

using Spos.Runs.Folders;

namespace Spos.Runs.Reading;

/// <summary>Whether runs have come to their end, by their folders.</summary>
public static class EndedRun
{
    /// <summary>Whether a folder is of a run of this kind that has come to its end, since it was started last of all.</summary>
    public static bool IsIn(FolderContents contents, RunKind kind)
    {
        var files = new OwnFiles(contents.Folder, "");
        return contents.Kind == kind && files.Find(RunFolder.ResultName) is var (_, result)
            && files.Read<RecordedRun>(RunRecord.FileName, RunRecord.MostBytes, out _)?.IsEndedBy(result.Written) != false;
    }
}

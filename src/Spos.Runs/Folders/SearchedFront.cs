using System.Security.Cryptography;
using System.Text;
using Spos.Engine.Checkpoints;

namespace Spos.Runs.Folders;

/// <summary>The front that a search has left in its folder, and what there is to know of the search.</summary>
public sealed class SearchedFront : SearchRecord
{
    private SearchedFront(string folder, string option, Action<string> warn)
        : base(folder, option, warn) => Members = FrontFiles.Read(Path.Combine(folder, FrontFiles.TableName), Space);

    /// <summary>The candidates, as the search has ordered them.</summary>
    public IReadOnlyList<FrontMember> Members { get; }

    /// <summary>SHA-256 of the candidates and their scores, in hexadecimal.</summary>
    public string Digest => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(
        Members.Select(member => FormattableString.Invariant($"{member.Architecture} {member.Top1:R}\n"))))));

    /// <summary>Opens the front of a search.</summary>
    /// <param name="text">The search's folder, or front.json in it.</param>
    /// <param name="option">The option that has the text, for messages.</param>
    /// <param name="warn">Told of damaged checkpoints.</param>
    /// <exception cref="UsageException">There is none.</exception>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static SearchedFront Open(string text, string option, Action<string> warn)
    {
        if (!Path.Exists(text)) throw new UsageException($"{option} {text}: there is nothing there. Name the folder of a search.");
        string folder = Directory.Exists(text) ? text : Path.GetDirectoryName(Path.GetFullPath(text))!;
        FolderContents contents = FolderContents.Of(folder, option);
        if (contents.Kind != RunKind.Search || (folder != text && Path.GetFileName(text) != FrontFiles.TableName))
        {
            string what = folder == text
                ? $"holds {contents.Description ?? "no search"}"
                : $"is not the {FrontFiles.TableName} of a search";
            throw new UsageException($"{option} {text} {what}. Name the folder of a search.");
        }
        if (!File.Exists(Path.Combine(folder, FrontFiles.TableName)))
        {
            throw new UsageException(
                $"{option} {text}: there is no {FrontFiles.TableName} yet, which a search leaves at its end. Run the search to its end.");
        }
        return new SearchedFront(folder, option, warn);
    }
}

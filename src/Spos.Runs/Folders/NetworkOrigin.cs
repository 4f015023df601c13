using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Records;

namespace Spos.Runs.Folders;

/// <summary>The network that an architecture or weights belong to, and where it is told of.</summary>
/// <param name="Source">A search's folder, or a checkpoint.</param>
public sealed record NetworkOrigin(string Source, NetworkRecord Network)
{
    /// <summary>The file in which a search leaves the best architecture.</summary>
    public const string ArchitectureName = "architecture_final.json";

    /// <summary>Whether it is told by a search, and an architecture comes with it.</summary>
    public bool IsSearch { get; private init; }

    public static NetworkOrigin Of(CheckpointReader checkpoint) => new(checkpoint.Path, NetworkRecord.Of(checkpoint.Header));

    /// <summary>
    /// The searched network, if an architecture is given as a search's folder or as a file in one, and the file; a file that lies
    /// elsewhere, or a list, is taken as it is.
    /// </summary>
    /// <param name="option">The option that has the text, for messages.</param>
    /// <param name="sizesAreGiven">
    /// Whether options tell the network's sizes, so that a search of an earlier version, which did not record them, will do.
    /// </param>
    /// <param name="warn">Told of damaged checkpoints.</param>
    /// <exception cref="UsageException">The folder holds something else.</exception>
    public static (string Architecture, NetworkOrigin? Origin) OfArchitecture(
        string text, string option, bool sizesAreGiven, Action<string> warn)
    {
        if (Directory.Exists(text))
        {
            FolderContents contents = FolderContents.Of(text);
            if (contents.Kind != RunKind.Search)
            {
                throw new UsageException(
                    $"{option} {text} holds {contents.Description ?? "no search"}. Name a search's folder, or a file with an "
                    + "architecture.");
            }
            string found = Path.Combine(text, ArchitectureName);
            if (!File.Exists(found))
            {
                throw new UsageException(
                    $"{option} {text}: the search there has not ended, and has no {ArchitectureName} yet.");
            }
            return (found, OfSearch(text, option, sizesAreGiven, warn));
        }
        if (!File.Exists(text)) return (text, null);
        string folder = Path.GetDirectoryName(Path.GetFullPath(text))!;
        if (Path.GetFileName(folder) is SearchState.Exports or FrontFiles.FolderName) folder = Path.GetDirectoryName(folder)!;
        return (text, FolderContents.Of(folder).Kind == RunKind.Search ? OfSearch(folder, option, sizesAreGiven, warn) : null);
    }

    /// <summary>The network, with so many classes.</summary>
    /// <exception cref="UsageException">A newer version recorded it.</exception>
    public NetworkSpec Spec(int classes) => Network.Spec(classes, Source);

    /// <summary>Throws unless a network's widths and blocks are the origin's.</summary>
    /// <param name="taken">The origin that the network is of; null if it is of this one, and options may have changed it.</param>
    /// <param name="remedy">What to do where it is not of this one: a sentence.</param>
    /// <exception cref="UsageException">They are not; the message names the option that has them.</exception>
    public void RequireWidths(
        NetworkSpec spec, NetworkOrigin? taken = null, string remedy = "Give the architecture as a list, or start from another checkpoint.")
    {
        NetworkSpec own = Spec(spec.Classes);
        foreach (((string option, string given), (_, string there)) in NetworkFacts.WidthsOf(spec).Zip(NetworkFacts.WidthsOf(own)))
        {
            if (given == there) continue;
            throw new UsageException(
                taken != null
                    ? $"the network of {Source} has --{option} {there}, and that of {taken.Source} has {given}. {remedy}"
                    : $"--{option} {given}: the network of {Source} has {there}. Leave the option out"
                        + (IsSearch ? ", or give the architecture as a list to train it otherwise." : "."));
        }
    }

    /// <summary>What options say otherwise than the origin, which they may: a line for each.</summary>
    public IEnumerable<string> Differences(NetworkSpec spec, Preprocessing preprocessing)
    {
        if (spec.ImageSize != Network.ImageSize) yield return $"--image-size {spec.ImageSize} is used; {Source} has {Network.ImageSize}.";
        if (preprocessing != Network.Preprocessing) yield return $"--spos-preprocessing is used; {Source} has standard preprocessing.";
    }

    /// <summary>The network that the search of a folder has searched.</summary>
    /// <param name="option">The option that names the folder, for messages.</param>
    /// <param name="warn">Told of damaged checkpoints.</param>
    /// <exception cref="UsageException">The folder does not tell it.</exception>
    public static NetworkOrigin OfSearch(string folder, string option, Action<string> warn) =>
        OfSearch(folder, option, sizesAreGiven: false, warn)!;

    private static NetworkOrigin? OfSearch(string folder, string option, bool sizesAreGiven, Action<string> warn)
    {
        RunRecord.Contents? record = RunRecord.TryRead(folder);
        if (record?.Network is { } network)
        {
            Check(network, $"{option}: {Path.Combine(folder, RunRecord.FileName)}");
            return new NetworkOrigin(folder, network) { IsSearch = true };
        }
        // Earlier versions recorded the supernet alone.
        try
        {
            if (record?.Options.GetValueOrDefault("checkpoint") is { } supernet)
            {
                using CheckpointReader checkpoint = CheckpointFolder.Open(supernet, warn);
                NetworkRecord read = NetworkRecord.Of(checkpoint.Header);
                // An option of the search's goes before what the supernet was trained with.
                Preprocessing asked = PreprocessingRecord.Read(record.Options.GetValueOrDefault(PreprocessingRecord.Option));
                return new NetworkOrigin(folder, asked == Preprocessing.Spos ? read with { Preprocessing = asked } : read)
                {
                    IsSearch = true,
                };
            }
        }
        catch (CheckpointException)
        {
            // It is gone; then options must tell.
        }
        return sizesAreGiven ? null : throw new UsageException(
            $"{option}: {folder} does not tell the sizes of the network that was searched. Give them: "
            + "--image-size, --stem-channels, --stage-repeats, --stage-channels, --last-channels.");
    }

    // The file may be edited, or of a newer version.
    private static void Check(NetworkRecord network, string source)
    {
        try
        {
            network.Spec(classes: 2, source).Validate();
        }
        catch (ArgumentException error)
        {
            throw new UsageException($"{source}: what \"network\" says is of no network: {error.Message}");
        }
    }
}

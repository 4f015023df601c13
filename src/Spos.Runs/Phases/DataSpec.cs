using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Runs.Records;

namespace Spos.Runs.Phases;

/// <summary>A run's data set, and how its pictures are read.</summary>
public sealed record DataSpec
{
    /// <summary>A folder with train and val.</summary>
    public required string Folder { get; init; }

    /// <summary>Threads that read and decode pictures ahead.</summary>
    public int Workers { get; init; } = 2;

    public JpegDecoder Decoder { get; init; }

    /// <summary><see cref="LoaderOptions.DecodeScale"/>.</summary>
    public bool DecodeScale { get; init; }

    /// <summary>Fixes all random choices of the run.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Whether pictures are fed as the official code feeds them, whatever a checkpoint says.</summary>
    public bool OfficialPreprocessing { get; init; }

    /// <summary>Whether a run goes on with other classes or pictures than it, or its checkpoint, was made with.</summary>
    public bool AcceptChanged { get; init; }

    /// <summary>Where decoded pictures are kept, so that they are decoded once; null for nowhere.</summary>
    public string? Cache { get; init; }

    /// <summary>The most pixels of a picture's shorter side in the cache: larger ones are shrunk. Null for pictures as they are.</summary>
    public int? CacheSize { get; init; }

    /// <summary>What the devices of one process have found of the data set; null where each who asks looks for itself.</summary>
    public FoundPictures? Found { get; init; }

    /// <summary>What a checkpoint's network was trained with, or what is asked for.</summary>
    public Preprocessing PreprocessingOf(CheckpointHeader? header) =>
        OfficialPreprocessing ? Preprocessing.Spos : PreprocessingRecord.Of(header);

    /// <summary>train or val of the data set.</summary>
    /// <exception cref="SposException">There is none, or its cache cannot be used or does not fit on the disk.</exception>
    public ImageFolder OpenSplit(string split, IRunObserver observer)
    {
        ImageFolder data = Read(split, observer);
        PictureCaches.RequireRoom(this, observer, data);
        return data;
    }

    /// <summary>Training and validation pictures; both must have the same classes, two or more.</summary>
    /// <exception cref="SposException">As of <see cref="OpenSplit"/>, or the classes are others.</exception>
    public (ImageFolder Train, ImageFolder Val) OpenBoth(IRunObserver observer)
    {
        ImageFolder train = Read("train", observer), val = Read("val", observer);
        RequireClasses(train, val);
        PictureCaches.RequireRoom(this, observer, train, val);
        return (train, val);
    }

    private ImageFolder Read(string split, IRunObserver observer)
    {
        string folder = Path.Combine(Folder, split);
        ImageFolder data = Found?.Open(folder) ?? ImageFolder.Open(folder);
        foreach (string remark in data.Remarks) observer.Warn(remark);
        return PictureCaches.Open(this, split, data);
    }

    /// <summary>Refuses pictures of one class.</summary>
    /// <param name="owner">Whose they are: the beginning of a sentence.</param>
    /// <exception cref="DataException">They are.</exception>
    public static void RequireClasses(string owner, ImageFolder data)
    {
        if (data.Classes.Length >= 2) return;
        throw new DataException(
            $"{owner} one class, '{data.Classes[0]}'. To tell pictures apart there must be two or more class folders.");
    }

    private void RequireClasses(ImageFolder train, ImageFolder val)
    {
        string? odd = train.Classes.Except(val.Classes).Concat(val.Classes.Except(train.Classes)).FirstOrDefault();
        if (odd != null)
        {
            throw new DataException($"{Folder}: class '{odd}' is in only one of train and val. Both need the same class folders.");
        }
        RequireClasses($"{Folder}: train and val have", train);
    }
}

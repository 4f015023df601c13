using MessagePack;
using Spos.Engine.Files;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Checkpoints;

/// <summary>What a checkpoint holds besides its tensors.</summary>
[MessagePackObject]
public sealed record CheckpointHeader : NetworkFacts
{
    /// <summary>The format's version that this program reads and writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>What the names of averaged weights end with.</summary>
    internal const string AverageEnding = ".average";

    [Key("version")]
    public int Version { get; set; } = CurrentVersion;

    [Key("classes")]
    public int Classes { get; set; }

    [Key("affine")]
    public bool Affine { get; set; }

    [Key("dropout")]
    public float Dropout { get; set; }

    /// <summary>The choices of a single path, or null for a supernet.</summary>
    [Key("architecture")]
    public int[]? Architecture { get; set; }

    /// <summary>Steps of training done.</summary>
    [Key("steps_done")]
    public long StepsDone { get; set; }

    /// <summary>The options that training goes on with, by name; a resumed run must have the same.</summary>
    [Key("options")]
    public Dictionary<string, string> Options { get; set; } = [];

    /// <summary>
    /// The names of the classes, in the order of the network's outputs; null where nobody knows them, as of imported networks.
    /// </summary>
    [Key("class_names")]
    public string[]? ClassNames { get; set; }

    /// <summary>What tells the training pictures from others; null in checkpoints of earlier versions and of imported networks.</summary>
    [Key("train_data")]
    public DataSetIdentity? Train { get; set; }

    /// <summary>The same of the validation pictures.</summary>
    [Key("val_data")]
    public DataSetIdentity? Val { get; set; }

    /// <summary>
    /// How many batches each batch norm's statistics have followed, in the network's order; null in files of before they were counted.
    /// </summary>
    [Key("batches_tracked")]
    public long[]? BatchesTracked { get; set; }

    [Key("tensors")]
    public CheckpointTensor[] Tensors { get; set; } = [];

    /// <summary>Whether averaged weights are there beside the weights.</summary>
    [IgnoreMember]
    public bool IsAveraged => Tensors.Any(t => t.Name.EndsWith(AverageEnding, StringComparison.Ordinal));

    /// <summary>The checksum at the file's end, which tells checkpoints apart.</summary>
    [IgnoreMember]
    public byte[] Sha256 { get; set; } = [];

    [IgnoreMember]
    public NetworkSpec Spec => Sizes() with { Classes = Classes, Affine = Affine, Dropout = Dropout };

    [IgnoreMember]
    public Architecture? Path => Architecture == null ? null : Spec.Space.PathOf(Architecture);

    public static CheckpointHeader Of(NetworkSpec spec, Architecture? path)
    {
        var header = new CheckpointHeader
        {
            Classes = spec.Classes,
            Affine = spec.Affine,
            Dropout = spec.Dropout,
            Architecture = path == null ? null : [.. path.Blocks],
        };
        header.Take(spec);
        return header;
    }
}

/// <summary>A tensor of a checkpoint: float32, little-endian, in the order of the header, one after the other.</summary>
[MessagePackObject]
public sealed class CheckpointTensor
{
    [Key("name")]
    public string Name { get; set; } = "";

    /// <summary>Four extents; see Parameter.Shape.</summary>
    [Key("shape")]
    public int[] Shape { get; set; } = [];
}

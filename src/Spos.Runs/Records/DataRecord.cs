using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Files;

namespace Spos.Runs.Records;

/// <summary>What tells the data set of a run from others, wherever it lies.</summary>
/// <param name="Train">Null where it was not kept, as earlier versions did not.</param>
public sealed record DataRecord(DataSetIdentity? Train, DataSetIdentity? Val)
{
    public static DataRecord Of(ImageFolder train, ImageFolder val) => new(train.Identity, val.Identity);

    public static DataRecord Of(CheckpointHeader header) => new(header.Train, header.Val);

    /// <summary>What checkpoints keep of the data set.</summary>
    public static TrainedOn TrainedOn(ImageFolder train, ImageFolder val) => new(train.Classes, train.Identity, val.Identity);

    /// <summary>Throws if a file has it so that it is none of a data set's.</summary>
    /// <exception cref="CheckpointException">It does.</exception>
    public void Check(FigureCheck check)
    {
        check.DataSet($"Data.{nameof(Train)}", Train);
        check.DataSet($"Data.{nameof(Val)}", Val);
    }

    /// <summary>Whether a run that was begun with this data set may go on with another.</summary>
    /// <param name="file">What the earlier run left.</param>
    /// <param name="accept">Go on all the same, and say so (--accept-changed-data).</param>
    /// <param name="warn">Told where it goes on all the same.</param>
    /// <exception cref="UsageException">They differ; the message says how.</exception>
    public void Require(string file, DataRecord now, bool accept, Action<string> warn)
    {
        var splits = new[] { ("train", Train, now.Train), ("val", Val, now.Val) };
        foreach ((string split, DataSetIdentity? old, DataSetIdentity? current) in splits)
        {
            if (old == null || current == null || old.DifferenceTo(current) is not { } difference) continue;
            string found =
                $"{file} was made with other pictures: in {split}, {difference}. Give it the same data set, choose another --output-dir";
            (int then, int classes) = (old.Classes.Length, current.Classes.Length);
            if (then != classes)
            {
                throw new UsageException(
                    $"{found}, or begin anew with --restart. --accept-changed-data does not help: "
                    + $"there were {then} classes and are {classes}, and its network tells {then} apart.");
            }
            if (!accept) throw new UsageException($"{found}, begin anew with --restart, or go on knowingly with --accept-changed-data.");
            warn($"{file} was made with other pictures: in {split}, {difference}. It goes on, as --accept-changed-data says.");
        }
    }
}

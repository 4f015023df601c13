using System.Globalization;
using Spos.Engine.Checkpoints;
using Spos.Engine.Files;
using Spos.Space;

namespace Spos.Runs.Records;

/// <summary>
/// Whether the figures in a file can be those of a run. A run that is killed leaves no others, so a figure that cannot be was put there
/// by somebody, and is refused.
/// </summary>
/// <param name="remedy">What helps, for messages.</param>
public sealed class FigureCheck(string file, string remedy = "mend it, or begin anew with --restart")
{
    /// <exception cref="CheckpointException">
    /// It is no architecture of that space. The message names the file and the field, as those of all checks here.
    /// </exception>
    public void Architecture(string field, string? text, SearchSpace space)
    {
        string? fault;
        try
        {
            fault = space.FaultOf(Spos.Space.Architecture.Parse(text ?? ""));
        }
        catch (FormatException error)
        {
            throw Wrong($"{field} is no architecture: {error.Message.TrimEnd('.')}");
        }
        if (fault != null) throw Wrong($"{field} {fault}");
    }

    /// <exception cref="CheckpointException">The value is not from 0 to 1.</exception>
    public void Share(string field, double value) => Range(field, value, 1, "a number from 0 to 1");

    /// <exception cref="CheckpointException">The value is below 0, or infinite.</exception>
    public void Amount(string field, double value) => Range(field, value, double.MaxValue, "a number from 0 on");

    /// <exception cref="CheckpointException">Parts are missing, or a class has fewer than no pictures.</exception>
    public void DataSet(string field, DataSetIdentity? data)
    {
        if (data == null) return;
        if (data.Digest == null || data.Classes == null)
        {
            throw Wrong(
                $"{field} has no {(data.Digest == null ? nameof(data.Digest) : nameof(data.Classes))}");
        }
        foreach ((int index, ClassIdentity? one) in data.Classes.Index())
        {
            string name = $"{field}.{nameof(data.Classes)}[{index}]";
            if (one is not { Name: not null, Digest: not null })
            {
                throw Wrong($"{name} has no {nameof(one.Name)} or no {nameof(one.Digest)}");
            }
            Amount($"{name}.{nameof(one.Pictures)}", one.Pictures);
        }
    }

    /// <summary>What is thrown of a figure that cannot be.</summary>
    /// <param name="what">A sentence without its full stop.</param>
    public CheckpointException Wrong(string what) => new($"{file}: {what}. No run left it so: {remedy}.");

    private void Range(string field, double value, double most, string wanted)
    {
        if (!(value >= 0 && value <= most)) throw Wrong($"{field} is {value.ToString(CultureInfo.InvariantCulture)}, not {wanted}");
    }
}

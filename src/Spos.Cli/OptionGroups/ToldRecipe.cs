using System.Globalization;
using CommandLine;
using Spos.Cli.Options;
using Spos.Engine.Training;
using Spos.Runs.Folders;
using Spos.Runs.Phases;
using Spos.Runs.Records;

namespace Spos.Cli.OptionGroups;

/// <summary>The recipe of another process's trainings, whose options are told, and checked as those of a command line are.</summary>
internal sealed class ToldRecipe : RecipeOptions, IScratchOptions, IDropoutOption
{
    private const string DropoutOption = "dropout";

    public int Epochs { get; set; } = ISinglePathOptions.DefaultEpochs;

    public int BatchSize { get; set; } = ScratchSpec.DefaultBatchSize;

    public float LearningRate { get; set; } = TrainingSetup.DefaultLearningRate;

    public Decay LrDecay { get; set; } = Decay.Linear;

    public float EmaDecay { get; set; }

    public float Mixup { get; set; }

    public float RandomErasing { get; set; }

    public int? TestBatchSize { get; set; }

    public float Dropout { get; set; } = IDropoutOption.Default;

    /// <summary>What a recipe asks for.</summary>
    /// <exception cref="FormatException">It has an option that there is not, or a value that the option does not take.</exception>
    public static TrainerSpec Of(TrainingRecipe recipe)
    {
        var told = new ToldRecipe();
        Dictionary<string, DeclaredOption> options = DeclaredOption.Of(typeof(ToldRecipe))
            .Where(option => option.Influence == Influence.Kept).ToDictionary(option => option.PlainName);
        foreach ((string name, string value) in recipe.Options)
        {
            if (!options.TryGetValue(name, out DeclaredOption? option))
            {
                throw new FormatException($"there is no option --{Shown.Excerpt(name)} of trainings.");
            }
            if (value.Length > 0) told.Set(option, value);
        }
        float? dropout = recipe.Options.Any(one => one.Key == DropoutOption) ? told.Dropout : null;
        // What kind of run it is, the one who asks knows.
        TrainingSetup setup = told.Training(
            RunKind.Scratch, told.Epochs, told.BatchSize, told.LearningRate, told.LrDecay, ((IScratchOptions)told).Change);
        return new TrainerSpec(setup, told.EmaDecay, dropout);
    }

    private void Set(DeclaredOption option, string text)
    {
        try
        {
            string value = option.Rule?.Read(text, option.Type) ?? text;
            object read = option.Type.IsEnum
                ? Enum.Parse(option.Type, value, ignoreCase: true)
                : Convert.ChangeType(value, option.Type, CultureInfo.InvariantCulture);
            // The properties of interfaces are this class's.
            GetType().GetProperty(option.Property.Name)!.SetValue(this, read);
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            throw new FormatException($"{option.Name} {Shown.Value(text)} of the trainings: {error.Message}", error);
        }
    }
}

using Spos.Engine.Supernet;
using Spos.Runs.Phases;

namespace Spos.Cli.OptionGroups;

/// <summary>The options of training a network whose sizes are the user's to choose.</summary>
internal abstract class NetworkOptions : RecipeOptions, ISizeOptions, IDropoutOption
{
    public int? ImageSize { get; set; }

    public int? StemChannels { get; set; }

    public IEnumerable<int> StageRepeats { get; set; } = [];

    public IEnumerable<int> StageChannels { get; set; } = [];

    public int? LastChannels { get; set; }

    public string? Blocks { get; set; }

    public float Dropout { get; set; } = IDropoutOption.Default;

    /// <summary>The network's sizes.</summary>
    protected NetworkSizes Sizes => this.AskedSizes(Dropout);
}

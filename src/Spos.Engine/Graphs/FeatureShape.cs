namespace Spos.Engine.Graphs;

/// <summary>The shape of a value of a graph, for one image: channels of height × width.</summary>
public readonly record struct FeatureShape(int Channels, int Height, int Width)
{
    /// <summary>How many numbers it has.</summary>
    public long Count => (long)Channels * Height * Width;
}

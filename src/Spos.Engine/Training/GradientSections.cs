using Spos.Engine.Nn;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Training;

/// <summary>A part of what is added up in a step.</summary>
/// <param name="EndGroup">The number of groups that it and those before it have.</param>
internal readonly record struct GradientSection(int EndGroup, long First, long End);

/// <summary>
/// The gradients of a step in the order in which the backward passes of its paths finish them, from the last layer to the first, and what
/// follows them, cut into sections. Each of these has half of what is left or more, so that little is left to be sent when the passes are
/// done. The paths alone decide on them.
/// </summary>
internal sealed class GradientSections
{
    // With five, the last one has a sixteenth.
    private const int Most = 5;

    /// <param name="paths">Those of the step, in order.</param>
    /// <param name="following">Values that follow the gradients.</param>
    public GradientSections(ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths, long following)
    {
        foreach (ParameterGroup group in paths.SelectMany(network.GroupsOf).Where(group => group.Length > 0))
        {
            Passes[group] = Passes.GetValueOrDefault(group) + 1;
        }
        Groups = InOrder(network, paths);
        Gradients = Groups.Sum(group => group.Length);
        Length = Gradients + following;
        All = Cut();
    }

    /// <summary>By group, how many of the paths have it: the last of them finishes it.</summary>
    public Dictionary<ParameterGroup, int> Passes { get; } = [];

    /// <summary>All groups, as they are finished.</summary>
    public ParameterGroup[] Groups { get; }

    /// <summary>Values of the gradients.</summary>
    public long Gradients { get; }

    /// <summary>Values in all.</summary>
    public long Length { get; }

    /// <summary>The last one ends with what follows the gradients.</summary>
    public GradientSection[] All { get; }

    private ParameterGroup[] InOrder(ShuffleNetV2OneShot network, IReadOnlyList<Architecture> paths)
    {
        var left = new Dictionary<ParameterGroup, int>(Passes);
        var order = new List<ParameterGroup>();
        foreach (Architecture path in paths)
        {
            foreach (ParameterGroup group in network.FinishedBy(path))
            {
                if (left.ContainsKey(group) && --left[group] == 0) order.Add(group);
            }
        }
        return [.. order];
    }

    private GradientSection[] Cut()
    {
        var sections = new List<GradientSection>();
        long first = 0, end = 0;
        for (int i = 0; i < Groups.Length - 1 && sections.Count < Most - 1; i++)
        {
            end += Groups[i].Length;
            if (2 * (end - first) < Length - first) continue;
            sections.Add(new GradientSection(i + 1, first, end));
            first = end;
        }
        return [.. sections, new GradientSection(Groups.Length, first, Length)];
    }
}

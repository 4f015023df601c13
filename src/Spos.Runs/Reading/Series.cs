using System.Text;

namespace Spos.Runs.Reading;

/// <summary>Points of a line, as the page draws them. A value that is not finite is null.</summary>
internal sealed record Points(long[] Steps, float?[] Values);

/// <summary>The values of one quantity over steps, in the order of the file.</summary>
/// <param name="name">What the file calls it.</param>
internal sealed class Series(string name)
{
    // Far more than a run logs.
    private const int Most = 4 << 20;

    private readonly List<long> _steps = [];
    private readonly List<float> _values = [];

    public string Name { get; } = name;

    /// <summary>The name in UTF-8.</summary>
    public byte[] Bytes { get; } = Encoding.UTF8.GetBytes(name);

    /// <summary>What stands before a value in a file without spaces; empty where the name has to be escaped.</summary>
    public byte[] Key { get; } = name.Any(c => c is '"' or '\\' || char.IsControl(c)) ? [] : Encoding.UTF8.GetBytes($"\"{name}\":");

    public int Count => _steps.Count;

    /// <summary>The first step whose value is not finite; null if there is none.</summary>
    public long? FirstNotFinite { get; private set; }

    /// <summary>The newest value; null if there is none, or if it is not finite.</summary>
    public float? Last => _values.Count > 0 && float.IsFinite(_values[^1]) ? _values[^1] : null;

    /// <returns>False if there are too many already.</returns>
    public bool Add(long step, float value)
    {
        if (_steps.Count == Most) return false;
        if (!float.IsFinite(value)) FirstNotFinite ??= step;
        _steps.Add(step);
        _values.Add(value);
        return true;
    }

    /// <summary>
    /// At most so many points: where there are more, they are divided into parts of equal numbers, and of each the least and the
    /// largest value stay, in their order, so that no peak is lost; a part without finite values gives a gap.
    /// </summary>
    public Points Decimated(int most)
    {
        int count = _steps.Count;
        if (count <= most) return new Points([.. _steps], [.. _values.Select(Finite)]);
        int parts = Math.Max(most / 2, 1);
        var steps = new List<long>(2 * parts);
        var values = new List<float?>(2 * parts);
        for (int part = 0; part < parts; part++)
        {
            int begin = (int)((long)count * part / parts), end = (int)((long)count * (part + 1) / parts);
            int least = -1, largest = -1;
            for (int i = begin; i < end; i++)
            {
                if (!float.IsFinite(_values[i])) continue;
                if (least < 0 || _values[i] < _values[least]) least = i;
                if (largest < 0 || _values[i] > _values[largest]) largest = i;
            }
            (int first, int second) = least < 0 ? (begin, begin) : (Math.Min(least, largest), Math.Max(least, largest));
            Keep(first);
            if (second != first) Keep(second);
        }
        return new Points([.. steps], [.. values]);

        void Keep(int index)
        {
            steps.Add(_steps[index]);
            values.Add(Finite(_values[index]));
        }
    }

    /// <summary>The values after the first ones.</summary>
    /// <param name="first">So many are left out.</param>
    public Points Since(int first) => new([.. _steps.Skip(first)], [.. _values.Skip(first).Select(Finite)]);

    private static float? Finite(float value) => float.IsFinite(value) ? value : null;
}

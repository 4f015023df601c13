using System.Globalization;
using System.Text.RegularExpressions;

namespace Spos.Engine.Tests.Compilation;

/// <summary>A loop of a kernel in machine code (SASS), without the loops inside it.</summary>
/// <param name="Start">The place of its first instruction in the kernel.</param>
/// <param name="End">The place of its last one.</param>
/// <param name="Ffma">Its multiply-adds of floats.</param>
/// <param name="Instructions">All of its instructions.</param>
internal sealed partial record SassLoop(int Start, int End, int Ffma, int Instructions)
{
    /// <summary>The innermost of the loops that may be products: a loop around one loads what it multiplies.</summary>
    public static IEnumerable<SassLoop> Innermost(IEnumerable<SassLoop> loops, Func<SassLoop, bool> mayBe)
    {
        SassLoop[] some = [.. loops.Where(mayBe)];
        return some.Where(l => !some.Any(inner => inner.Start > l.Start && inner.End <= l.End));
    }

    /// <summary>The loops of each kernel in what nvdisasm -c prints.</summary>
    public static Dictionary<string, List<SassLoop>> Read(string disassembly)
    {
        var kernels = new Dictionary<string, List<SassLoop>>(StringComparer.Ordinal);
        string? kernel = null;
        var labels = new Dictionary<string, int>(StringComparer.Ordinal);
        var instructions = new List<string>();
        foreach (string line in disassembly.Split('\n'))
        {
            if (Section().Match(line) is { Success: true } section)
            {
                End();
                kernel = section.Groups[1].Value;
            }
            else if (Label().Match(line) is { Success: true } label)
            {
                labels[label.Groups[1].Value] = instructions.Count;
            }
            else if (Instruction().Match(line) is { Success: true } instruction)
            {
                instructions.Add(instruction.Groups[1].Value);
            }
        }
        End();
        return kernels;

        void End()
        {
            if (kernel != null) kernels[kernel] = LoopsOf(instructions, labels);
            labels.Clear();
            instructions.Clear();
        }
    }

    // A branch back closes a loop. A kernel ends with a branch to itself, which is none.
    private static List<SassLoop> LoopsOf(List<string> instructions, Dictionary<string, int> labels)
    {
        var ends = new SortedDictionary<int, int>();
        for (int i = 0; i < instructions.Count; i++)
        {
            if (Branch().Match(instructions[i]) is { Success: true } branch
                && labels.TryGetValue(branch.Groups[1].Value, out int start) && start < i)
            {
                ends[start] = Math.Max(ends.GetValueOrDefault(start), i);
            }
        }
        var loops = new List<SassLoop>();
        foreach ((int start, int end) in ends)
        {
            int ffma = 0, all = 0;
            for (int i = start; i <= end; i++)
            {
                // Inside an inner loop, which starts later.
                if (i > start && ends.TryGetValue(i, out int inner) && inner <= end)
                {
                    i = inner;
                    continue;
                }
                all++;
                if (Ffmas().IsMatch(instructions[i])) ffma++;
            }
            loops.Add(new SassLoop(start, end, ffma, all));
        }
        return loops;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Ffma} of {Instructions} ({100.0 * Ffma / Instructions:0} %)");

    [GeneratedRegex(@"^\.text\.(\w+):")]
    private static partial Regex Section();

    [GeneratedRegex(@"^(\.L_\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]{4,}\*/\s+(.+?);")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"\bBRA[.\w]* (?:[!\w]+, )?`\((\.L_\w+)\)")]
    private static partial Regex Branch();

    [GeneratedRegex(@"^(@!?U?P\w+ )?\s*FFMA\b")]
    private static partial Regex Ffmas();
}

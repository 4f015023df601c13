using System.Collections.Immutable;
using System.Numerics;

namespace Spos.Space;

/// <summary>
/// How many paths end in each cell of a grid: each alternative of a block goes on by some steps along each of the grid's axes. The numbers
/// are whole and exact, so that a path that is drawn by them is as likely as any other.
/// </summary>
internal abstract class PathCounts
{
    /// <summary>How many bytes a count takes; null if there are too many paths for a number of fixed size.</summary>
    public static int? BytesOf(SearchSpace space) => (long)space.Size.GetBitLength() switch { <= 64 => 8, <= 128 => 16, _ => null };

    /// <param name="steps">By axis, block and alternative that the block is left with; none is negative.</param>
    /// <param name="sizes">How many cells each axis has. Paths that end outside are not counted.</param>
    public static PathCounts Of(SearchSpace space, int[][][] steps, int[] sizes) => BytesOf(space) switch
    {
        8 => new PathCounts<ulong>(space.Choices, steps, sizes),
        16 => new PathCounts<UInt128>(space.Choices, steps, sizes),
        _ => new PathCounts<BigInteger>(space.Choices, steps, sizes),
    };

    /// <summary>Takes cells, to be counted and drawn from in their order.</summary>
    /// <param name="first">The first cell of each axis.</param>
    /// <param name="last">The last one.</param>
    public abstract IPathWindow Window(int[] first, int[] last);
}

/// <summary>The paths that end in some cells of a grid.</summary>
internal interface IPathWindow
{
    /// <summary>How many paths end in the cells from one to another, by their places among those of the window.</summary>
    BigInteger Count(int first, int last);

    /// <summary>Draws one of those paths, each equally likely; there has to be one.</summary>
    void Draw(CounterRandom random, int first, int last, Span<int> choices);

    /// <summary>The path of a number, from 0.</summary>
    void At(int number, Span<int> choices);
}

/// <summary>The same by numbers that are large enough for all paths.</summary>
internal sealed class PathCounts<T> : PathCounts
    where T : struct, IBinaryInteger<T>
{
    private readonly int _axes, _blocks;

    private readonly ImmutableArray<ImmutableArray<int>> _choices;

    // steps[b][c * axes + k]: by how many cells of axis k the alternative choices[b][c] goes on.
    private readonly int[][] _steps;

    // The blocks from b on come no farther than sizes[b][k] - 1 cells along axis k; neighbours along it lie strides[b][k] counts apart.
    private readonly int[][] _sizes, _strides;

    // counts[b][cell]: in how many ways the blocks from b on come from the cell to the origin.
    private readonly T[][] _counts;

    public PathCounts(ImmutableArray<ImmutableArray<int>> choices, int[][][] steps, int[] sizes)
    {
        _choices = choices;
        (_axes, _blocks) = (sizes.Length, steps.Length == 0 ? 0 : steps[0].Length);
        _steps = new int[_blocks][];
        _sizes = new int[_blocks + 1][];
        _strides = new int[_blocks + 1][];
        _counts = new T[_blocks + 1][];
        Shape(_blocks, [.. Enumerable.Repeat(1, _axes)]);
        _counts[_blocks][0] = T.One;
        for (int b = _blocks - 1; b >= 0; b--)
        {
            int block = b, alternatives = steps[0][b].Length;
            _steps[b] = [.. Enumerable.Range(0, alternatives).SelectMany(c => steps.Select(axis => axis[block][c]))];
            Shape(b, [.. sizes.Select((size, k) => (int)Math.Min(size, (long)_sizes[block + 1][k] + steps[k][block].Max()))]);
            for (int c = 0; c < alternatives; c++) Add(b, _steps[b].AsSpan(c * _axes, _axes), 0, 0, 0);
        }
    }

    public override IPathWindow Window(int[] first, int[] last) => new Cells(this, first, last);

    private void Shape(int block, int[] sizes)
    {
        int[] strides = new int[_axes];
        int cells = 1;
        for (int k = _axes - 1; k >= 0; k--) (strides[k], cells) = (cells, cells * sizes[k]);
        (_sizes[block], _strides[block], _counts[block]) = (sizes, strides, new T[cells]);
    }

    // Adds the counts of the next block, moved on by an alternative's steps; the axes before one are gone through already.
    private void Add(int block, ReadOnlySpan<int> steps, int axis, int to, int from)
    {
        int count = Math.Min(_sizes[block + 1][axis], _sizes[block][axis] - steps[axis]);
        to += steps[axis] * _strides[block][axis];
        if (axis < _axes - 1)
        {
            for (int i = 0; i < count; i++)
            {
                Add(block, steps, axis + 1, to + i * _strides[block][axis], from + i * _strides[block + 1][axis]);
            }
            return;
        }
        if (count <= 0) return;
        Span<T> sums = _counts[block].AsSpan(to, count);
        ReadOnlySpan<T> counts = _counts[block + 1].AsSpan(from, count);
        for (int i = 0; i < sums.Length; i++) sums[i] += counts[i];
    }

    // Goes back from a cell: the path numbered `pick` among those that end there.
    private void Walk(Span<int> cell, T pick, Span<int> choices)
    {
        for (int b = 0; b < choices.Length; b++)
        {
            ReadOnlySpan<T> counts = _counts[b + 1];
            ReadOnlySpan<int> steps = _steps[b], sizes = _sizes[b + 1], strides = _strides[b + 1];
            for (int choice = 0, at = 0; ; choice++, at += cell.Length)
            {
                int rest = 0;
                for (int k = 0; k < cell.Length; k++)
                {
                    int left = cell[k] - steps[at + k];
                    // A negative one is a large one without its sign.
                    if ((uint)left >= (uint)sizes[k])
                    {
                        rest = -1;
                        break;
                    }
                    rest += left * strides[k];
                }
                if (rest < 0) continue;
                T ways = counts[rest];
                if (pick < ways)
                {
                    choices[b] = _choices[b][choice];
                    for (int k = 0; k < cell.Length; k++) cell[k] -= steps[at + k];
                    break;
                }
                pick -= ways;
            }
        }
    }

    private sealed class Cells : IPathWindow
    {
        private readonly PathCounts<T> _paths;
        private readonly int[] _first, _widths;

        // before[i]: how many paths end before the window's cell i.
        private readonly T[] _before;

        public Cells(PathCounts<T> paths, int[] first, int[] last)
        {
            (_paths, _first) = (paths, first);
            _widths = [.. first.Zip(last, (from, to) => Math.Max(0, to - from + 1))];
            _before = new T[_widths.Aggregate(1, (cells, width) => cells * width) + 1];
            Span<int> cell = stackalloc int[first.Length];
            for (int i = 0; i < _before.Length - 1; i++)
            {
                CellOf(i, cell);
                int at = 0;
                bool isInside = true;
                for (int k = 0; k < cell.Length; k++)
                {
                    isInside &= cell[k] < _paths._sizes[0][k];
                    at += cell[k] * _paths._strides[0][k];
                }
                _before[i + 1] = _before[i] + (isInside ? _paths._counts[0][at] : T.Zero);
            }
        }

        public BigInteger Count(int first, int last) =>
            last < first ? BigInteger.Zero : BigInteger.CreateChecked(_before[last + 1] - _before[first]);

        public void Draw(CounterRandom random, int first, int last, Span<int> choices)
        {
            T total = _before[last + 1] - _before[first];
            Find(
                _before[first] + (typeof(T) == typeof(BigInteger)
                    ? T.CreateChecked(random.NextBig(BigInteger.CreateChecked(total)))
                    : T.CreateTruncating(random.NextWide(UInt128.CreateTruncating(total)))),
                choices);
        }

        public void At(int number, Span<int> choices) => Find(T.CreateChecked(number), choices);

        private void Find(T pick, Span<int> choices)
        {
            // The last cell with no more paths before it. In cells of no paths that number stays: the last of equals has some.
            int low = 0, high = _before.Length - 1;
            while (high - low > 1)
            {
                int middle = (low + high) / 2;
                if (_before[middle] <= pick) low = middle;
                else high = middle;
            }
            Span<int> cell = stackalloc int[_widths.Length];
            CellOf(low, cell);
            _paths.Walk(cell, pick - _before[low], choices);
        }

        private void CellOf(int place, Span<int> cell)
        {
            for (int k = cell.Length - 1; k >= 0; k--)
            {
                cell[k] = _first[k] + place % _widths[k];
                place /= _widths[k];
            }
        }
    }
}

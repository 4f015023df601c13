namespace Spos.Engine.Plans;

/// <summary>Places the buffers of a plan in one piece of memory: two that are in use at the same time do not overlap.</summary>
internal static class BufferLayout
{
    private const long Alignment = 256;

    /// <summary>Sets <see cref="PlannedBuffer.Offset"/> of all: the largest first, each as far in front as it can be.</summary>
    /// <returns>Bytes in all.</returns>
    public static long Place(IEnumerable<PlannedBuffer> buffers)
    {
        var placed = new List<PlannedBuffer>();
        var taken = new List<(long Begin, long End)>();
        long bytes = 0;
        foreach (PlannedBuffer buffer in buffers.OrderByDescending(b => b.Size).ThenBy(b => b.Address))
        {
            taken.Clear();
            foreach (PlannedBuffer other in placed)
            {
                if (buffer.Meets(other)) taken.Add((other.Offset, other.Offset + Padded(other.Size)));
            }
            taken.Sort();
            long offset = 0;
            foreach ((long begin, long end) in taken)
            {
                if (begin - offset >= buffer.Size) break;
                offset = Math.Max(offset, end);
            }
            buffer.Offset = offset;
            bytes = Math.Max(bytes, offset + Padded(buffer.Size));
            placed.Add(buffer);
        }
        return bytes;
    }

    private static long Padded(long size) => (size + Alignment - 1) / Alignment * Alignment;
}

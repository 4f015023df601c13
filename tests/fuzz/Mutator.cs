using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Spos.Fuzz;

/// <summary>Damages files: a function of the seed, the target and the number of the input alone.</summary>
internal static class Mutator
{
    private const int MostChanges = 6, MostBytes = 1 << 20;

    private static readonly byte[] Edges = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];
    private static readonly long[] Limits =
        [0, -1, 1, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1 << 16, 1 << 24, 1L << 33];
    private static readonly string[] Numbers =
        ["-1", "0", "1e999", "NaN", "2147483648", "99999999999999999999", "0.5", "true", "null", "\"\"", "[]", "{}"];

    /// <summary>The input of that number.</summary>
    public static byte[] Damage(Target target, ulong seed, long number)
    {
        var random = new CounterRandom(seed, RandomPurpose.Drawing, (ulong)number, (ulong)target.Name.Sum(c => c));
        List<byte> bytes = [.. target.Seeds[random.NextInt(target.Seeds.Length)]];
        for (int changes = 1 + random.NextInt(MostChanges); changes > 0 && bytes.Count > 0; changes--) Change(bytes, target, random);
        byte[] damaged = [.. bytes.Take(MostBytes)];
        return target.Mend != null && random.NextInt(8) > 0 ? target.Mend(damaged) : damaged;
    }

    private static void Change(List<byte> bytes, Target target, CounterRandom random)
    {
        int at = random.NextInt(bytes.Count), count = Math.Min(1 + random.NextInt(random.NextInt(4) == 0 ? 256 : 12), bytes.Count - at);
        switch (random.NextInt(target.IsText ? 10 : 9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.NextInt(8));
                break;
            case 1:
                bytes[at] = (byte)random.NextBits();
                break;
            case 2:
                bytes[at] = Edges[random.NextInt(Edges.Length)];
                break;
            case 3:
                bytes.RemoveRange(at, count);
                break;
            case 4:
                bytes.InsertRange(at, bytes.GetRange(at, count));
                break;
            case 5:
                byte[] other = target.Seeds[random.NextInt(target.Seeds.Length)];
                int from = random.NextInt(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(count, other.Length - from)));
                break;
            case 6:
                // Files cut short are common: not too often, for little is read of them.
                if (random.NextInt(4) == 0) bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 7:
                Overwrite(bytes, at, random);
                break;
            case 8:
                int to = random.NextInt(bytes.Count - count + 1);
                List<byte> moved = bytes.GetRange(at, count);
                bytes.RemoveRange(at, count);
                bytes.InsertRange(Math.Min(to, bytes.Count), moved);
                break;
            default:
                ReplaceNumber(bytes, at, random);
                break;
        }
    }

    // A number of 2, 4 or 8 bytes at its limits: lengths, counts and offsets.
    private static void Overwrite(List<byte> bytes, int at, CounterRandom random)
    {
        Span<byte> value = stackalloc byte[8];
        long limit = Limits[random.NextInt(Limits.Length)];
        int size = 2 << random.NextInt(3);
        if (random.NextInt(2) == 0) BinaryPrimitives.WriteInt64LittleEndian(value, limit);
        else BinaryPrimitives.WriteInt64BigEndian(value, limit << (64 - 8 * size));
        for (int i = 0; i < size && at + i < bytes.Count; i++) bytes[at + i] = value[i];
    }

    private static void ReplaceNumber(List<byte> bytes, int at, CounterRandom random)
    {
        int first = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (first < 0) return;
        int length = bytes.Skip(first).TakeWhile(b => b is >= (byte)'0' and <= (byte)'9').Count();
        bytes.RemoveRange(first, length);
        int choice = random.NextInt(Numbers.Length + 1);
        string text = choice < Numbers.Length ? Numbers[choice] : random.NextBits().ToString(CultureInfo.InvariantCulture);
        bytes.InsertRange(first, Encoding.ASCII.GetBytes(text));
    }
}

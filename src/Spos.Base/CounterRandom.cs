using System.Numerics;

namespace Spos;

/// <summary>What random numbers are for: numbers for different purposes never coincide.</summary>
public enum RandomPurpose
{
    Weights = 1,
    Paths = 2,
    Order = 3,
    Augmentation = 4,
    Dropout = 5,
    Search = 6,
    Drawing = 7,
    Split = 8,
    Mixup = 9,
    Resampling = 10,
}

/// <summary>
/// Random numbers from a seed, a purpose and a place (a step, a sample, a candidate): whoever asks at the same place gets
/// the same numbers, in whatever order and on whatever thread. There is no state to save. Philox4x32-10 (Salmon et al.,
/// SC 2011), as in native/kernels/device/philox.h.
/// </summary>
public sealed class CounterRandom(ulong seed, RandomPurpose purpose, ulong place, ulong subplace = 0)
{
    private readonly ulong _key = seed ^ ((ulong)purpose << 56);
    private readonly ulong _high = place * 0x9E3779B97F4A7C15ul + subplace;
    private readonly uint[] _words = new uint[4];
    private ulong _counter;
    private int _used = 4;
    private float? _spareNormal;

    /// <summary>32 random bits.</summary>
    public uint NextBits()
    {
        if (_used == 4)
        {
            Philox(_key, _counter++, _high, _words);
            _used = 0;
        }
        return _words[_used++];
    }

    /// <summary>A number of [0, 1).</summary>
    public float NextUnit() => (NextBits() >> 8) * (1f / (1 << 24));

    /// <summary>A number of [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public float NextUniform(float low, float high) => low + (high - low) * NextUnit();

    /// <summary>A whole number of [0, <paramref name="count"/>), each equally likely.</summary>
    public int NextInt(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        // Values past the last whole multiple would favour the small results: draw again.
        uint limit = uint.MaxValue - (uint.MaxValue % (uint)count + 1) % (uint)count;
        uint bits;
        do bits = NextBits();
        while (bits > limit);
        return (int)(bits % (uint)count);
    }

    /// <summary>A whole number of [0, <paramref name="count"/>), each equally likely, for counts of any size.</summary>
    public BigInteger NextBig(BigInteger count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, BigInteger.One);
        int words = (int)((count.GetBitLength() + 31) / 32);
        byte[] bytes = new byte[words * 4];
        BigInteger range = BigInteger.One << (32 * words), limit = range - range % count, value;
        do
        {
            for (int i = 0; i < words; i++) BitConverter.TryWriteBytes(bytes.AsSpan(4 * i), NextBits());
            value = new BigInteger(bytes, isUnsigned: true);
        }
        while (value >= limit);
        return value % count;
    }

    /// <summary>What <see cref="NextBig"/> gives, without its memory.</summary>
    public UInt128 NextWide(UInt128 count)
    {
        ArgumentOutOfRangeException.ThrowIfZero(count);
        int words = (128 - (int)UInt128.LeadingZeroCount(count) + 31) / 32;
        UInt128 most = UInt128.MaxValue >> (32 * (4 - words)), last = most - (most % count + 1) % count, value;
        do
        {
            value = 0;
            for (int i = 0; i < words; i++) value |= (UInt128)NextBits() << (32 * i);
        }
        while (value > last);
        return value % count;
    }

    /// <summary>A number of the standard normal distribution (Box and Muller's transform).</summary>
    public float NextNormal()
    {
        if (_spareNormal is { } spare)
        {
            _spareNormal = null;
            return spare;
        }
        double radius = Math.Sqrt(-2 * Math.Log(1 - NextUnit())), angle = 2 * Math.PI * NextUnit();
        _spareNormal = (float)(radius * Math.Sin(angle));
        return (float)(radius * Math.Cos(angle));
    }

    /// <summary>A number of the beta distribution of both parameters <paramref name="alpha"/>.</summary>
    public float NextBeta(float alpha)
    {
        double a = NextGamma(alpha), b = NextGamma(alpha);
        return a + b == 0 ? 0.5f : (float)(a / (a + b));
    }

    // Marsaglia and Tsang's method (ACM TOMS 26, 2000); below 1 by the gamma of one more and a power of a uniform number.
    private double NextGamma(double shape)
    {
        if (shape < 1) return NextGamma(shape + 1) * Math.Pow(1 - NextUnit(), 1 / shape);
        double d = shape - 1.0 / 3, c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = NextNormal(), v = Math.Pow(1 + c * x, 3);
            if (v > 0 && Math.Log(1 - NextUnit()) < x * x / 2 + d - d * v + d * Math.Log(v)) return d * v;
        }
    }

    /// <summary>Puts the items in an order, each equally likely (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static void Philox(ulong key, ulong counter, ulong high, uint[] words)
    {
        (uint c0, uint c1, uint c2, uint c3) = ((uint)counter, (uint)(counter >> 32), (uint)high, (uint)(high >> 32));
        (uint k0, uint k1) = ((uint)key, (uint)(key >> 32));
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53ul * c0, p1 = 0xCD9E8D57ul * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        (words[0], words[1], words[2], words[3]) = (c0, c1, c2, c3);
    }
}

// How many paths a second one thread draws under limits: of a space of 20 blocks with 32 alternatives each, 4 operations at 8 widths, which
// all differ in FLOPs and parameters. Prints the median, least and most of 9 rounds, and the time that making the sampler takes.
// Usage: spos-sampling
using System.Collections.Immutable;
using System.Diagnostics;
using Spos;
using Spos.Space;

const int Blocks = 20, Operations = 4, Widths = 8, Rounds = 9, Draws = 20_000;
SearchSpace space = new(Enumerable.Range(0, Blocks).Select(_ =>
    Enumerable.Range(0, Operations * Widths).Select(c => new Alternative($"{c}")).ToImmutableArray()));
CostTable flops = new(space, 25_000_000, Costs(Flops));
CostTable parameters = new(space, 1_100_000, Costs(Parameters), CostMeasure.Parameters);
CostTable latency = new(space, 3_000_000, Costs(Nanoseconds), CostMeasure.Latency);

Measure("any path", [new(flops, flops.Least, flops.Most)]);
Measure("FLOPs at most", [CostLimit.AtMost(flops, Between(flops, 0.4))]);
Measure("FLOPs", [new(flops, Between(flops, 0.4), Between(flops, 0.5))]);
Measure("FLOPs, the cheapest", [new(flops, Between(flops, 0.1), Between(flops, 0.15))]);
Measure("two at most", [CostLimit.AtMost(flops, Between(flops, 0.4)), CostLimit.AtMost(parameters, Between(parameters, 0.35))]);
Measure("two costs", [
    new(flops, Between(flops, 0.4), Between(flops, 0.5)), new(parameters, Between(parameters, 0.35), Between(parameters, 0.45))]);
Measure("three costs", [
    new(flops, Between(flops, 0.4), Between(flops, 0.5)), new(parameters, Between(parameters, 0.35), Between(parameters, 0.45)),
    CostLimit.AtMost(latency, Between(latency, 0.5))]);

// As blocks of four stages of 4, 4, 8 and 4 have them, whose images halve and whose channels double.
static IEnumerable<IEnumerable<long>> Costs(Func<long, long, int, long> cost) => Enumerable.Range(0, Blocks).Select(block =>
{
    int stage = block < 4 ? 0 : block < 8 ? 1 : block < 16 ? 2 : 3;
    (long side, long channels) = (28 >> stage, 80L << stage);
    return Enumerable.Range(0, Operations * Widths).Select(c => cost(side, channels * (2 + 2 * (c % Widths)) / 10, c / Widths));
});

static long Flops(long side, long channels, int operation) => side * side * Parameters(side, channels, operation);

static long Parameters(long side, long channels, int operation) => operation < 3
    ? 2 * channels * channels + (9 + 16 * operation) * channels
    : 4 * channels * channels + 27 * channels;

// Small images keep a device less busy.
static long Nanoseconds(long side, long channels, int operation) =>
    20_000 + 4_000 * operation + (Flops(side, channels, operation) + 900_000) / 700;

static double Between(CostTable costs, double share) => costs.Least + share * (costs.Most - costs.Least);

static void Measure(string name, CostLimit[] all)
{
    var limits = new CostLimits(all);
    long start = Stopwatch.GetTimestamp();
    var sampler = new LimitedSampler(limits);
    double making = Stopwatch.GetElapsedTime(start).TotalSeconds;
    var random = new CounterRandom(1, RandomPurpose.Paths, 0);
    double[] rates = new double[Rounds];
    for (int round = -1; round < Rounds; round++)
    {
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Draws; i++)
        {
            if (!limits.Hold(sampler.Draw(random))) throw new InvalidOperationException("a path does not keep the limits.");
        }
        if (round >= 0) rates[round] = Draws / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
    Array.Sort(rates);
    Console.WriteLine(
        $"{name,-20} {rates[Rounds / 2],9:N0} a second ({rates[0]:N0} to {rates[^1]:N0}), made in {making:0.00} s: {limits}");
}

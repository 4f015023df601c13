using Spos.Space;

namespace Spos.Space.Tests;

public sealed class SelectionNoiseTests
{
    // Expected maxima of normal samples: Harter, Biometrika 48 (1961), table 1; for 1,000 also by numerical integration elsewhere.
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0.56419)]
    [InlineData(3, 0.84628)]
    [InlineData(10, 1.53875)]
    [InlineData(100, 2.50759)]
    [InlineData(1000, 3.24144)]
    public void The_expected_maximum_is_that_of_tables(int count, double expected) =>
        Assert.Equal(expected, SelectionNoise.ExpectedMaximum(count), 4e-5);

    [Fact]
    public void Equally_good_candidates_come_to_what_chance_gives_and_a_better_one_to_more()
    {
        const int Pictures = 1000, Candidates = 200, Repetitions = 40;
        double best = 0, chance = 0;
        for (int repetition = 0; repetition < Repetitions; repetition++)
        {
            var random = new CounterRandom(1, RandomPurpose.Drawing, (ulong)repetition);
            double[] scores =
            [
                .. Enumerable.Range(0, Candidates)
                    .Select(_ => Enumerable.Range(0, Pictures).Count(_ => random.NextUnit() < 0.6f) / (double)Pictures),
            ];
            SelectionNoise noise = SelectionNoise.Of(Pictures, scores);
            Assert.Equal(Math.Sqrt(0.6 * 0.4 / Pictures), noise.StandardError, 1e-4);
            Assert.InRange(noise.Deviation / noise.StandardError, 0.8, 1.2);
            (best, chance) = (best + noise.Best / Repetitions, chance + noise.BestByChance / Repetitions);
        }
        // The best's deviation is about 0.4 standard errors, 0.006; of a mean of 40 it is 0.001.
        Assert.Equal(chance, best, 0.004);

        double[] withWinner = [.. Enumerable.Repeat(0.6, 99), 0.9];
        Assert.False(SelectionNoise.Of(1000, withWinner).IsChance);
        Assert.True(SelectionNoise.Of(10, withWinner).IsChance);
        // The supernet that scored 83.3% at best of 1,000 and 57.3% in the mean, on 24 pictures.
        Assert.InRange(new SelectionNoise(24, 1000, 0.573, 0.08, 0.833).BestByChance, 0.89, 0.91);
        Assert.True(new SelectionNoise(24, 1000, 0.573, 0.08, 0.833).IsChance);
    }
}

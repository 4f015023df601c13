using System.Collections.Immutable;

namespace Spos.Space.Tests;

/// <summary>A study of whole paths finds what predicts others, on a machine whose pace changes.</summary>
public sealed class CostStudyTests
{
    private const int Rounds = 30, Validated = 20;

    private static readonly SearchSpace Space =
        new(Enumerable.Repeat(ImmutableArray.Create<Alternative>(new("a"), new("b"), new("c"), new("d")), 6));

    private static readonly CostTable Truth =
        new(Space, 5000, Enumerable.Range(0, 6).Select(block => new long[] { 0, 100 + 20 * block, 250, 400 - 30 * block }));

    [Fact]
    public void Unseen_paths_are_predicted_though_the_machine_slows_down()
    {
        var study = new CostStudy(Space, Rounds, Validated, seed: 1);
        var noise = new CounterRandom(1, RandomPurpose.Drawing, 0);
        int measured = 0, reports = 0;
        // Half as fast from a third on, and slower by a quarter all along; each measurement is off by half a percent.
        double Measure(Architecture path)
        {
            double at = measured++ / (double)study.Measurements;
            return Truth.Of(path) * (at > 1.0 / 3 ? 2 : 1) * (1 + at / 4) * (1 + 0.005 * noise.NextNormal());
        }
        StudiedCosts studied = study.Run(Measure, () => reports++);
        Assert.Equal(study.Measurements, reports);
        // Costs are means of thirty measurements, and a path has seven: 0.5% · √(7 / 30) = 0.24%; that of the path itself, with the paces
        // of its rounds, is 0.5% · 1.25 / √10 · √(1 + 1 / 4) = 0.22%. The mean of |error| is 0.8 of both, 0.26%; twice as much is allowed.
        // Without the paces of rounds it would be tens of percent.
        Assert.InRange(studied.MeanRelativeError, 0.0001, 0.0052);
        // Paths differ by a standard deviation of 350 of 6,200, almost twenty times as much.
        Assert.InRange(studied.Spearman, 0.97, 1);
        Assert.All(studied.Validation, one => Assert.Equal(studied.Costs.Of(one.Path), one.Predicted));
    }

    [Fact]
    public void Paths_of_the_validation_are_in_no_fit_and_in_several_rounds()
    {
        var study = new CostStudy(Space, Rounds, Validated, seed: 2);
        var measured = new List<Architecture>();
        StudiedCosts studied = study.Run(path =>
        {
            measured.Add(path);
            return Truth.Of(path);
        }, () => { });
        Assert.Equal(Rounds * 4 + Validated * CostStudy.Visits, measured.Count);
        HashSet<Architecture> kept = [.. studied.Validation.Select(one => one.Path)];
        Assert.Equal(Validated, kept.Count);
        // All measurements of these paths are visits: none is of the fit.
        Assert.All(kept, path => Assert.Equal(CostStudy.Visits, measured.Count(path.Equals)));
        // Visits are spread: the first and the last of a path are more than half of the study apart.
        Assert.All(kept, path => Assert.InRange(measured.LastIndexOf(path) - measured.IndexOf(path), measured.Count / 2, measured.Count));
        // Without noise predictions are right but for rounding.
        Assert.All(studied.Validation, one => Assert.Equal(one.Measured, one.Predicted, 1.0));
    }

    [Fact]
    public void The_seed_fixes_what_is_measured()
    {
        string Paths(ulong seed)
        {
            var paths = new List<Architecture>();
            new CostStudy(Space, Rounds, Validated, seed).Run(path =>
            {
                paths.Add(path);
                return Truth.Of(path);
            }, () => { });
            return string.Join(';', paths);
        }
        Assert.Equal(Paths(3), Paths(3));
        Assert.NotEqual(Paths(3), Paths(4));
    }

    [Fact]
    public void Too_little_or_too_much_is_refused()
    {
        Assert.Equal(12, CostStudy.LeastRounds(Space));
        Assert.Equal(1024, CostStudy.MostValidated(Space));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CostStudy(Space, 11, Validated, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CostStudy(Space, Rounds, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CostStudy(Space, Rounds, 1025, 1));
        // As many as there may be leave enough for the fit, though rounds without them have to be looked for.
        Assert.Equal(12 * 4 + CostStudy.Visits * 1024, new CostStudy(Space, 12, 1024, 1).Measurements);
    }
}

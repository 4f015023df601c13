using Spos.Cli.Display;

namespace Spos.Cli.Tests;

public sealed class PlotTests
{
    [Fact]
    public void The_same_points_give_the_same_bytes_however_often_a_process_draws()
    {
        string folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
        (long, double, double)[] points = [.. Enumerable.Range(1, 50).Select(i => ((long)i, 2.0 / i, 1 - 1.0 / i))];
        byte[][] Draw()
        {
            Plots.LossCurve(folder, "scratch", points);
            return [.. new[] { "loss.png", "loss.svg" }.Select(name => File.ReadAllBytes(Path.Combine(folder, name)))];
        }

        byte[][] first = Draw();
        Plots.StandaloneOverScores(folder, [0.1, 0.2], [[0.3, 0.4], [0.4, 0.6]]);
        Assert.Equal(first, Draw());
        Directory.Delete(folder, recursive: true);
    }
}

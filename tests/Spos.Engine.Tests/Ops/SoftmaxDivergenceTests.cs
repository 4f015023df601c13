using System.Text.Json;
using Spos.Engine.Ops;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Pytorch;

namespace Spos.Engine.Tests.Ops;

/// <summary>The loss of distillation, and its gradient.</summary>
public sealed class SoftmaxDivergenceTests
{
    [Theory]
    [OnEachDevice(1, 2, Divergence.Kl, 1f)]
    [OnEachDevice(33, 10, Divergence.Kl, 10f)]
    [OnEachDevice(5, 1000, Divergence.Kl, 10f)]
    [OnEachDevice(1, 2, Divergence.Alpha, 1f)]
    [OnEachDevice(33, 10, Divergence.Alpha, 0.5f)]
    [OnEachDevice(34, 33, Divergence.Alpha, 1f)]
    [OnEachDevice(5, 1000, Divergence.Alpha, 10f)]
    public void Divergence_and_its_gradient_agree_with_double_precision(
        string device, int rows, int classes, Divergence divergence, float scale)
    {
        using var fixture = new OpFixture(device);
        float[] Logits() => [.. fixture.Values((long)rows * classes).Select(v => v * scale)];
        (float[] student, float[] teacher) = (Logits(), Logits());
        (float[] losses, float[] gradient) = Run(fixture, divergence, rows, student, teacher);
        Reference[] wanted = Wanted(divergence, rows, student, teacher);
        // Both are sums in double precision, rounded once, of what is at most some dozens.
        Close.Assert([.. wanted.Select(row => row.Loss)], losses, 1, 100);
        Close.Assert([.. wanted.SelectMany(row => row.Gradient).Select(g => g / rows)], gradient, 1, 1);
        if (divergence == Divergence.Alpha && rows > 5)
        {
            // Rows of either divergence, and with either ratios that are cut and ones that are not.
            Assert.Contains(wanted, row => row.IsClipped);
            Assert.Contains(wanted, row => !row.IsClipped);
        }
    }

    [Theory]
    [OnEachDevice(Divergence.Kl)]
    [OnEachDevice(Divergence.Alpha)]
    public void Large_logits_stay_finite(string device, Divergence divergence)
    {
        using var fixture = new OpFixture(device);
        // A student that is sure of another class, of the same, and of none.
        float[] student = [1e4f, 0, -1e4f, 3e38f, 0, 0, 1e4f, 1e4f, 1e4f], teacher = [-1e4f, 1e4f, 0, 3e38f, 1, 2, 0, 1e4f, -1e4f];
        (float[] losses, float[] gradient) = Run(fixture, divergence, 3, student, teacher);
        Reference[] wanted = Wanted(divergence, 3, student, teacher);
        Close.Assert([.. wanted.Select(row => row.Loss)], losses, 1, 2e4);
        Close.Assert([.. wanted.SelectMany(row => row.Gradient).Select(g => g / 3)], gradient, 1, 1);
        Assert.Equal(1e4, losses[0], 1e-2);
        Assert.Equal(0, losses[1]);
    }

    // Where no ratio is cut, the gradient is the slope of the divergence.
    [Theory]
    [InlineData(Divergence.Kl)]
    [InlineData(Divergence.Alpha)]
    public void The_gradient_is_that_of_the_divergence_by_finite_differences(Divergence divergence)
    {
        const int rows = 12, classes = 7;
        const double step = 1e-5;
        using var fixture = new OpFixture("host");
        float[] Logits() => [.. fixture.Values(rows * classes).Select(v => v * 0.2f)];
        (float[] student, float[] teacher) = (Logits(), Logits());
        (_, float[] gradient) = Run(fixture, divergence, rows, student, teacher);
        int clipped = 0;
        for (int r = 0; r < rows; r++)
        {
            (double[] x, double[] t) = (Row(student, r, rows), Row(teacher, r, rows));
            var here = new Reference(x, t, divergence);
            Assert.True(here.MostRatio < 5);
            clipped += here.IsClipped ? 1 : 0;
            for (int k = 0; k < classes; k++)
            {
                double LossAt(double change) => new Reference([.. x.Select((v, j) => j == k ? v + change : v)], t, divergence).Loss;
                double slope = (LossAt(step) - LossAt(-step)) / (2 * step) / rows;
                // The difference is off by the square of the step, and by the last places of the losses over the step.
                Assert.Equal(slope, gradient[r * classes + k], 1e-8);
            }
        }
        if (divergence == Divergence.Alpha) Assert.InRange(clipped, 1, rows - 1);
    }

    [Fact]
    public void It_is_what_PyTorch_makes_of_it()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(TorchFixtures.At("distillation_golden.json")));
        Assert.Contains(golden.RootElement.EnumerateArray(), row => row.GetProperty("cut").GetInt32() > 0);
        foreach (JsonElement row in golden.RootElement.EnumerateArray())
        {
            using var fixture = new OpFixture("host");
            (int rows, int classes) = (row.GetProperty("rows").GetInt32(), row.GetProperty("classes").GetInt32());
            float scale = row.GetProperty("scale").GetSingle();
            float[] Logits(int seed) => [.. GoldenValues(rows * classes, seed).Select(v => v * scale)];
            double[] Golden(string name) => [.. row.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];
            Divergence divergence = Enum.Parse<Divergence>(row.GetProperty("divergence").GetString()!, ignoreCase: true);
            (float[] losses, float[] gradient) = Run(fixture, divergence, rows, Logits(2), Logits(1));
            Close.Assert(Golden("losses"), losses, 1, 30);
            Close.Assert(Golden("gradient"), gradient, 1, 1);
        }
    }

    [Fact]
    public void Logits_of_other_shapes_are_refused()
    {
        using var fixture = new OpFixture("host");
        Tensor student = fixture.Tensor(Shape.Matrix(2, 3), new float[6]), teacher = fixture.Tensor(Shape.Matrix(3, 2), new float[6]);
        Assert.Throws<ArgumentException>(() => SoftmaxDivergence.Forward(fixture.Session, student, teacher, Divergence.Kl, 1));
    }

    // The formula of make_distillation_golden.values.
    private static IEnumerable<float> GoldenValues(int count, long seed) => Enumerable.Range(0, count)
        .Select(i => (float)((i + seed) * (i + 7 * seed) * 2654435761 % (1L << 32) / 4096 / (double)(1 << 20) - 0.25));

    private static double[] Row(float[] values, int row, int rows) =>
        [.. values.Skip(row * (values.Length / rows)).Take(values.Length / rows).Select(v => (double)v)];

    private static Reference[] Wanted(Divergence divergence, int rows, float[] student, float[] teacher) =>
        [.. Enumerable.Range(0, rows).Select(r => new Reference(Row(student, r, rows), Row(teacher, r, rows), divergence))];

    private static (float[] Losses, float[] Gradient) Run(
        OpFixture fixture, Divergence divergence, int rows, float[] student, float[] teacher)
    {
        Shape shape = Shape.Matrix(rows, student.Length / rows);
        (Tensor loss, Tensor gradient) = SoftmaxDivergence.Forward(
            fixture.Session, fixture.Tensor(shape, student), fixture.Tensor(shape, teacher), divergence, 1f / rows);
        using (loss)
        using (gradient) return (loss.Download(fixture.Session.Stream), gradient.Download(fixture.Session.Stream));
    }

    // A row by the formulas of kernels/loss.cu.
    private sealed class Reference
    {
        public Reference(double[] student, double[] teacher, Divergence divergence)
        {
            (double[] logQ, double[] logP) = (LogSoftmax(student), LogSoftmax(teacher));
            double[] p = [.. logP.Select(Math.Exp)], q = [.. logQ.Select(Math.Exp)];
            double[] ratios = [.. logQ.Zip(logP, (of, by) => Math.Exp(of - by))], weights = [.. ratios.Select(ratio => Math.Min(ratio, 5))];
            double kl = p.Select((value, k) => value * (logP[k] - logQ[k])).Sum();
            double weighted = q.Zip(weights, (value, weight) => value * weight).Sum(), clipped = (weighted - 1) / 2;
            MostRatio = ratios.Max();
            IsClipped = divergence == Divergence.Alpha && clipped > kl;
            Loss = IsClipped ? clipped : kl;
            Gradient = [.. q.Select((value, k) => IsClipped ? value * (weights[k] - weighted) : value - p[k])];
        }

        public double Loss { get; }

        public double[] Gradient { get; }

        // Whether the loss is the divergence of alpha -1.
        public bool IsClipped { get; }

        public double MostRatio { get; }

        private static double[] LogSoftmax(double[] logits)
        {
            double largest = logits.Max(), total = Math.Log(logits.Sum(v => Math.Exp(v - largest)));
            return [.. logits.Select(v => v - largest - total)];
        }
    }
}

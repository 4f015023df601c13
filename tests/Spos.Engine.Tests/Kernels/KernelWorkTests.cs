using System.Text.Json;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tests.Kernels;

/// <summary>
/// What launches come to, at three sets of arguments for each kernel: fixtures/kernel_work.json, figures from when they were counted in
/// one place for all. A kernel that comes later need not be there.
/// </summary>
public sealed class KernelWorkTests
{
    private static readonly Launch[] Launches = JsonSerializer.Deserialize<Launch[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "kernel_work.json")), JsonSerializerOptions.Web)!;

    [Fact]
    public void Shapes_bytes_and_flops_are_those_of_the_list() =>
        Assert.All(Launches, launch => Assert.Equal(new KernelWork(launch.Shape, launch.Bytes, launch.Flops), WorkOf(launch)));

    [Fact]
    public void What_is_not_given_is_not_counted()
    {
        Launch loss = Launches.First(l => l.Kernel == "softmax_cross_entropy");
        long gradient = sizeof(float) * (long)loss.Scalars[0] * (long)loss.Scalars[1];
        Assert.Equal(loss.Bytes - gradient, WorkOf(loss, @null: "dlogits").Bytes);
        Assert.Equal(loss.Bytes, WorkOf(loss, @null: "logits").Bytes);
    }

    // Weights stay floats.
    [Theory]
    [InlineData("pointwise_normalised")]
    [InlineData("channel_split")]
    [InlineData("depthwise_normalised_k3_s1")]
    public void Activations_of_bf16_are_half_the_bytes(string kernel)
    {
        foreach (Launch launch in Launches.Where(l => l.Kernel == $"{kernel}_f32"))
        {
            double[] s = launch.Scalars;
            double values = kernel switch
            {
                "pointwise_normalised" => s[0] * (s[1] + s[2]),
                "channel_split" => s[0] * s[1] * 4,
                _ => s[0] * s[5] * ((s[1] * s[2]) + (s[3] * s[4])),
            };
            KernelWork floats = WorkOf(launch), halves = WorkOf(launch with { Kernel = $"{kernel}_bf16" });
            long products = kernel == "pointwise_normalised" ? floats.Flops : 0;
            Assert.Equal(floats with { Bytes = floats.Bytes - (long)(2 * values), ProductFlopsBf16 = products }, halves);
        }
    }

    // The depthwise convolution between the products computes in floats.
    [Fact]
    public void Products_of_bf16_are_told_from_other_arithmetic()
    {
        Launch[] branches = [.. Launches.Where(l => l.Kernel.StartsWith("branch_normalised_k5", StringComparison.Ordinal))];
        Assert.NotEmpty(branches);
        foreach (Launch launch in branches)
        {
            double[] s = launch.Scalars;
            long depthwise = (long)(2 * s[0] * s[3] * s[4] * s[5] * 5 * 5);
            KernelWork halves = WorkOf(launch with { Kernel = launch.Kernel.Replace("_f32", "_bf16", StringComparison.Ordinal) });
            Assert.Equal((launch.Flops, launch.Flops - depthwise), (halves.Flops, halves.ProductFlopsBf16));
        }
    }

    private static unsafe KernelWork WorkOf(Launch launch, string? @null = null)
    {
        int index = KernelCatalogue.Entries.Select(e => e.Name).ToList().IndexOf(launch.Kernel);
        IReadOnlyList<KernelParameter> parameters = KernelCatalogue.Entries[index].Parameters;
        var scalars = new Queue<double>(launch.Scalars);
        long* values = stackalloc long[parameters.Count];
        void** arguments = stackalloc void*[parameters.Count];
        for (int i = 0; i < parameters.Count; i++)
        {
            arguments[i] = values + i;
            if (parameters[i].Kind == KernelParameterKind.Pointer) values[i] = parameters[i].Name == @null ? 0 : 256;
            else if (parameters[i].Kind == KernelParameterKind.Single) *(float*)arguments[i] = (float)scalars.Dequeue();
            else values[i] = (long)scalars.Dequeue();
        }
        Assert.Empty(scalars);
        return KernelCatalogue.WorkOf(index, launch.Grid[0], launch.Grid[1], arguments);
    }

    /// <param name="Scalars">The arguments that are no pointers, in their order.</param>
    internal sealed record Launch(string Kernel, int[] Grid, double[] Scalars, string Shape, long Bytes, long Flops);
}

using System.Text.Json;
using Spos.Engine.Kernels;

namespace Spos.Engine.Tests.Kernels;

/// <summary>What launches of every kernel come to, at three sets of arguments each: fixtures/kernel_work.json.</summary>
public sealed class KernelWorkTests
{
    private static readonly Launch[] Launches = JsonSerializer.Deserialize<Launch[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "kernel_work.json")), JsonSerializerOptions.Web)!;

    [Fact]
    public void Every_kernel_is_in_the_list() =>
        Assert.Equal(KernelCatalogue.Entries.Select(e => e.Name).Order(StringComparer.Ordinal), Launches.Select(l => l.Kernel).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Shapes_bytes_and_flops_are_those_of_the_list() =>
        Assert.All(Launches, launch => Assert.Equal(new KernelWork(launch.Shape, launch.Bytes, launch.Flops), WorkOf(launch)));

    private static KernelWork WorkOf(Launch launch)
    {
        KernelCatalogue.Entry entry = KernelCatalogue.Entries.Single(e => e.Name == launch.Kernel);
        var scalars = new Queue<double>(launch.Scalars);
        KernelArgument[] arguments = [.. entry.Parameters.Select(letter => letter switch
        {
            'P' => KernelArgument.Pointer(256),
            'i' => (KernelArgument)(int)scalars.Dequeue(),
            'l' => (long)scalars.Dequeue(),
            _ => (float)scalars.Dequeue(),
        })];
        Assert.Empty(scalars);
        return KernelWork.Of(launch.Kernel, launch.Grid[0], launch.Grid[1], arguments);
    }

    /// <param name="Scalars">The arguments that are no pointers, in their order.</param>
    internal sealed record Launch(string Kernel, int[] Grid, double[] Scalars, string Shape, long Bytes, long Flops);
}

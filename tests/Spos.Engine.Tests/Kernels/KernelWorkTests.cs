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

using Spos.Engine.Devices;
using Spos.Engine.Tests;
using Spos.Runs.Phases;

namespace Spos.Runs.Tests;

/// <summary>Phases of a tiny network on the fixtures' pictures, on the host.</summary>
internal static class TinyRuns
{
    public static NetworkSizes Tiny { get; } = new(32, 8, [1, 1, 1, 1], [12, 16, 20, 24], 16, 0.1f);

    public static DataSpec Data => new() { Folder = Path.Combine(Checkout.Root, "tests/fixtures/phases/pictures") };

    public static RunContext Context(RecordingObserver observer) => new(() => Device.Host, observer, observer.Cancel);

    /// <param name="told">What its observer is to be told; null for anything.</param>
    public static T Run<TSpec, T>(Func<TSpec, RunContext, T> phase, TSpec spec, string? told = null)
    {
        using var observer = new RecordingObserver();
        T result = phase(spec, Context(observer));
        if (told != null) Assert.Equal(told, observer.Told);
        return result;
    }
}

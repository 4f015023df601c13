using System.Diagnostics;

namespace Spos.Board.Browser;

/// <summary>Waits for what comes about by and by.</summary>
internal static class Wait
{
    // A run starts within some seconds, on a machine that is busy within a minute.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static Task Until(Func<bool> holds, string what) => Until(() => Task.FromResult(holds()), what);

    /// <param name="what">What is waited for, for the message.</param>
    public static async Task Until(Func<Task<bool>> holds, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(start) > Patience) Assert.Fail($"It did not come about within {Patience}: {what}.");
            await Task.Delay(50);
        }
    }
}

using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Spos.Engine.Compilation;

/// <summary>All kernel files at once: each takes up to seconds to compile.</summary>
internal static class KernelModules
{
    /// <summary>Does something with each module, on as many threads as the machine has, begun in their order.</summary>
    /// <exception cref="Exception">The first failure, as it was.</exception>
    public static void ForEach(IEnumerable<string> modules, Action<string> work)
    {
        try
        {
            // Without a buffer, so that each thread takes the next one and not a share.
            Parallel.ForEach(Partitioner.Create(modules, EnumerablePartitionerOptions.NoBuffering), work);
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
    }
}

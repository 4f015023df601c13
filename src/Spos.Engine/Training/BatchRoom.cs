using Spos.Engine.Autograd;
using Spos.Engine.Devices;

namespace Spos.Engine.Training;

/// <summary>Finds how many pictures a batch may have on a device that a larger one has filled.</summary>
internal static class BatchRoom
{
    // What is left free, as sizes are rounded up in steps.
    private const double Usable = 0.95;

    /// <summary>
    /// Does the work with two small batches and takes the memory that they need for a line: so much in any case, and so much for each
    /// picture.
    /// </summary>
    /// <param name="batch">Pictures of the batch that did not fit.</param>
    /// <param name="elsewhere">Bytes for each picture that others need besides, such as loaders that read ahead.</param>
    /// <param name="reserved">Bytes that others will take, however large the batch is.</param>
    /// <param name="work">Does the work with so many pictures.</param>
    /// <returns>0 if nothing fits.</returns>
    public static int Estimate(Session session, int batch, long elsewhere, long reserved, Action<int> work)
    {
        int small = Math.Clamp(batch / 16, 2, 32), large = 2 * small;
        if (large >= batch) return batch / 2;
        double few, more;
        try
        {
            few = Peak(session, () => work(small));
        }
        catch (DeviceMemoryException)
        {
            return 0;
        }
        try
        {
            more = Peak(session, () => work(large));
        }
        catch (DeviceMemoryException)
        {
            return small;
        }
        double picture = (more - few) / small, always = few - picture * small;
        session.Device.Pools.Trim();
        (long free, _) = session.Device.ReadMemory();
        double fits = (Usable * free - reserved - always) / (picture + elsewhere);
        return (int)Math.Clamp(fits, small, batch - 1);
    }

    // Bytes that the work takes at most beyond what is in use before.
    private static long Peak(Session session, Action work)
    {
        session.Pool.ResetPeak();
        long before = session.Pool.PeakBytesInUse, moment = session.Pool.Rentings;
        try
        {
            work();
        }
        finally
        {
            session.Pool.GiveBackSince(moment);
        }
        return session.Pool.PeakBytesInUse - before;
    }
}

using Spos.Engine.Autograd;

namespace Spos.Engine.Training;

/// <summary>Finds how many pictures a batch may have on a device.</summary>
public static class BatchRoom
{
    // What is left free, as sizes are rounded up in steps.
    private const double Usable = 0.95;

    /// <summary>The largest batch, within a hundredth, whose work fits the device once what is kept for reuse is given back.</summary>
    /// <param name="batch">Pictures of a batch that does not fit.</param>
    /// <param name="reserved">Bytes that others will take, however large the batch is.</param>
    /// <param name="bytesOf">Bytes that the work takes with so many pictures, and their loading.</param>
    /// <returns>0 if nothing fits.</returns>
    public static int Largest(Session session, int batch, long reserved, Func<int, long> bytesOf)
    {
        session.Device.Pools.Trim();
        double room = Usable * session.Device.ReadMemory().Free - reserved;
        int fits = 0, tooMany = batch;
        while (tooMany - fits > 1 + fits / 100)
        {
            int middle = fits + (tooMany - fits) / 2;
            if (bytesOf(middle) <= room) fits = middle;
            else tooMany = middle;
        }
        return fits;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Ops.Convolutions;

namespace Spos.Engine.Plans;

/// <summary>
/// Launches that do all of the work on an image, gathered to be done for each image of a batch: a thread of the CPU takes an image through
/// all of them, so that what one makes is in its cache for the next. A thread's memory is its own.
/// </summary>
/// <param name="images">Of a batch.</param>
/// <param name="atOnce">Images that the launches work on.</param>
/// <param name="bytesPerThread">The plan's memory, of one thread.</param>
internal sealed unsafe class ImageSequence(Session session, int images, int atOnce, int threads, long bytesPerThread)
{
    // Pixels of the images at once. Fewer would not fill the tiles of the last layers' products, whose images are small; more would not
    // stay in the cache.
    private const int MostPixels = 4 * 224 * 224;

    // The least part of the threads' time in which all have work.
    private const double EvenlyShared = 0.8;

    private readonly List<HostLaunch> _launches = [];
    private readonly List<ulong> _values = [];
    private readonly List<HostAddress> _addresses = [];

    /// <summary>
    /// Images that a thread takes at once; 0 if a batch is not done so: on a GPU, where launches are watched, and where some threads would
    /// have more to do than others.
    /// </summary>
    /// <param name="imageSize">Height and width.</param>
    public static int AtOnce(Session session, PlanKind kind, int images, int imageSize)
    {
        Device device = session.Device;
        if (kind != PlanKind.Inference || !device.RunsByImage || ConvolutionPlanner.Of(session).Plan != ConvolutionPlan.Fused) return 0;
        int threads = device.Threads;
        int most = Math.Max(1, MostPixels / (imageSize * imageSize));
        for (int atOnce = 1 << BitOperations.Log2((uint)most); atOnce > 0; atOnce /= 2)
        {
            long taken = (long)Partition.Ceiling(images, atOnce * threads) * atOnce * threads;
            if (images > atOnce && images >= EvenlyShared * taken) return atOnce;
        }
        return 0;
    }

    /// <summary>Adds a launch.</summary>
    /// <param name="values">Its arguments, 8 bytes each.</param>
    public void Add(GridSize grid, int kernel, ReadOnlySpan<ulong> values)
    {
        nint function = KernelSet.Of(session.Device)[kernel].Function;
        _launches.Add(new HostLaunch(function, (uint)grid.X, (uint)grid.Y, (uint)_values.Count));
        _values.AddRange(values);
    }

    /// <summary>The next launch's argument of that number is an address.</summary>
    /// <param name="bytesPerImage">How far it is from an image's to the next image's; null for the plan's memory.</param>
    public void AddAddress(int argument, ulong? bytesPerImage) => _addresses.Add(
        new HostAddress((uint)(_values.Count + argument), bytesPerImage ?? 0, bytesPerImage == null ? (ulong)bytesPerThread : 0));

    /// <summary>Does them, and forgets them.</summary>
    public void Run()
    {
        fixed (HostLaunch* launches = CollectionsMarshal.AsSpan(_launches))
        fixed (ulong* values = CollectionsMarshal.AsSpan(_values))
        fixed (HostAddress* addresses = CollectionsMarshal.AsSpan(_addresses))
        {
            var sequence = new HostSequence
            {
                Launches = launches,
                Values = values,
                Addresses = addresses,
                LaunchCount = (uint)_launches.Count,
                ValueCount = (uint)_values.Count,
                AddressCount = (uint)_addresses.Count,
            };
            session.Device.RunByImage(session.Stream, &sequence, images, atOnce, threads);
        }
        Clear();
    }

    /// <summary>Forgets what was added.</summary>
    public void Clear()
    {
        _launches.Clear();
        _values.Clear();
        _addresses.Clear();
    }
}

using Spos.Engine.Native;

namespace Spos.Engine.Devices;

/// <summary>
/// A CUDA graph: launches that are captured once and then issued together, by one call. The GPU begins each of them sooner after the one
/// before, and the CPU has next to nothing to do. A launch uses the addresses that it was captured with. So the graph alone keeps the
/// memory that the work rented and gave back; what the work did not give back, the caller keeps as long as the graph.
/// </summary>
internal sealed unsafe class DeviceGraph : IDisposable
{
    // The work and other threads may allocate memory meanwhile (CU_STREAM_CAPTURE_MODE_RELAXED).
    private const int Relaxed = 2;

    private readonly Lock _lock = new();
    private readonly DeviceStream _stream;
    private readonly BufferPool _pool;
    private readonly KeptBuffers _memory;
    private nint _executable;

    private DeviceGraph(DeviceStream stream, BufferPool pool, KeptBuffers memory, nint executable) =>
        (_stream, _pool, _memory, _executable) = (stream, pool, memory, executable);

    /// <summary>
    /// Captures what <paramref name="work"/> issues to <paramref name="stream"/>; none of it runs. The work rents from
    /// <paramref name="pool"/>, waits for nothing, and copies nothing from or to the host.
    /// </summary>
    /// <exception cref="DeviceMemoryException">The device is full. What the work rented and did not give back is still rented.</exception>
    public static DeviceGraph Capture(DeviceStream stream, BufferPool pool, Action work)
    {
        CudaDriver driver = stream.Device.Driver;
        var memory = new KeptBuffers();
        lock (stream.Device.Pools.GraphMaking)
        {
            pool.BeginCapture(memory);
            try
            {
                var graph = new DeviceGraph(stream, pool, memory, Instantiate(driver, pool, CaptureWork(driver, stream, work)));
                pool.EndCapture(graph);
                return graph;
            }
            catch
            {
                pool.GiveUpCapture();
                throw;
            }
        }
    }

    /// <summary>Issues the launches again.</summary>
    /// <returns>False if the graph has ended, as it does when the device is full, or if the device has no room to launch it.</returns>
    public bool TryLaunch()
    {
        lock (_lock)
        {
            if (_executable == 0) return false;
            CudaResult result = _stream.Device.Driver.GraphLaunch(_executable, _stream.Handle);
            if (result == CudaResult.OutOfMemory) return false;
            _stream.Device.Driver.Check(result, "cuGraphLaunch");
            _stream.Device.GraphLaunches++;
            return true;
        }
    }

    public void Dispose() => _pool.TakeBack(this);

    /// <summary>
    /// Ends the graph and gives its memory to the pool. What was launched still runs; the pool's next use of the memory, or freeing it,
    /// comes after that. From any thread.
    /// </summary>
    internal IEnumerable<DeviceBuffer> End()
    {
        lock (_lock)
        {
            if (_executable == 0) return [];
            _ = _stream.Device.TryMakeCurrent();
            _ = _stream.Device.Driver.GraphExecDestroy(_executable);
            _executable = 0;
            return _memory.TakeAll();
        }
    }

    private static nint CaptureWork(CudaDriver driver, DeviceStream stream, Action work)
    {
        nint graph = 0;
        driver.Check(driver.StreamBeginCapture(stream.Handle, Relaxed), "cuStreamBeginCapture");
        try
        {
            work();
        }
        catch
        {
            // The stream is used again.
            _ = driver.StreamEndCapture(stream.Handle, &graph);
            if (graph != 0) _ = driver.GraphDestroy(graph);
            throw;
        }
        driver.Check(driver.StreamEndCapture(stream.Handle, &graph), "cuStreamEndCapture");
        return graph;
    }

    private static nint Instantiate(CudaDriver driver, BufferPool pool, nint graph)
    {
        nint executable = 0;
        CudaResult result = driver.GraphInstantiate(&executable, graph, 0);
        _ = driver.GraphDestroy(graph);
        // The launches themselves take memory of the device. The driver does not say how much.
        if (result == CudaResult.OutOfMemory) throw pool.Full(0, 0);
        driver.Check(result, "cuGraphInstantiate");
        return executable;
    }
}

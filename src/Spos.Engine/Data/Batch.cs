using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Native;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// Pictures for the network, and their classes. The stream that makes them may still be at it: whoever reads them says on
/// which stream, and disposes of the batch when the work that reads it has been issued.
/// </summary>
public sealed class Batch : IDisposable
{
    private readonly BufferPool _pool;
    private readonly DeviceEvent _made;
    private readonly List<DeviceStream> _readers = [];

    internal Batch(Session maker, Tensor images, DeviceArray<int> labels, int number = 0)
    {
        Number = number;
        _pool = maker.Pool;
        _made = DeviceEvent.On(maker.Stream);
        (Images, Labels) = (images, labels);
    }

    /// <summary>Its place in the pass, from 0.</summary>
    public int Number { get; }

    /// <summary>[N, S, S, 3], normalised.</summary>
    public Tensor Images { get; }

    /// <summary>N class numbers.</summary>
    public DeviceArray<int> Labels { get; }

    public int Count => Images.Shape.N;

    /// <summary>Lets work that is issued to <paramref name="reader"/> from now on use the batch. From any thread.</summary>
    public void ReadOn(DeviceStream reader)
    {
        lock (_readers)
        {
            if (_readers.Contains(reader)) return;
            reader.Wait(_made);
            _readers.Add(reader);
        }
    }

    public void Dispose()
    {
        foreach (DeviceStream reader in _readers.Where(r => !r.IsDisposed))
        {
            // _made has served: the memory's next use waits for the reader instead, or else the CPU does here.
            bool waits = _made.TryRecord(reader) == CudaResult.Success && _pool.TryWaitFor(_made) == CudaResult.Success;
            if (!waits) _ = reader.Drain();
        }
        _readers.Clear();
        _made.Dispose();
        Images.Dispose();
        Labels.Dispose();
    }
}

using System.Globalization;
using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Kernels;

/// <summary>A kernel loaded on a device, ready to launch.</summary>
public sealed unsafe class Kernel
{
    private const int MostParameters = 32;

    private readonly Device _device;
    private readonly nint _function;
    private readonly string _parameters;

    internal Kernel(Device device, nint function, KernelCatalogue.Entry entry)
    {
        _device = device;
        _function = function;
        _parameters = entry.Parameters;
        Name = entry.Name;
        IReadOnlyList<int>? sizes = device.CompiledKernels?.First(k => k.Name == Name).ParameterSizes ?? device.Driver.ParameterSizes(function);
        if (sizes != null && !sizes.SequenceEqual(_parameters.Select(letter => letter is 'P' or 'l' ? 8 : 4)))
        {
            throw new InvalidOperationException($"Kernel {Name} has parameters of {string.Join(", ", sizes)} bytes; the catalogue says '{_parameters}'.");
        }
    }

    public string Name { get; }

    /// <summary>Issues the kernel to a stream, one block of <see cref="Device.ThreadsPerBlock"/> for each point of the grid.</summary>
    public void Launch(DeviceStream stream, int gridX, int gridY, params ReadOnlySpan<KernelArgument> arguments) =>
        Launch(stream, new LaunchShape(gridX, gridY, _device.ThreadsPerBlock, 1), arguments);

    /// <summary>
    /// Issues a kernel that works on slices of rows (kernels/device/slices.h): a block for each on the host, for each tile of its
    /// <paramref name="channels"/> on a GPU.
    /// </summary>
    public void LaunchSlices(DeviceStream stream, int slices, int channels, params ReadOnlySpan<KernelArgument> arguments)
    {
        ChannelTiles tiles = ChannelTiles.Of(_device, channels);
        Launch(stream, _device.BlocksAreThreads ? new LaunchShape(slices, 1, 1, 1) : new LaunchShape(tiles.Count, slices, tiles.Width, tiles.ThreadRows), arguments);
    }

    private readonly record struct LaunchShape(int GridX, int GridY, int BlockX, int BlockY);

    private void Launch(DeviceStream stream, LaunchShape shape, ReadOnlySpan<KernelArgument> arguments)
    {
        if (arguments.Length != _parameters.Length) throw new ArgumentException($"Kernel {Name} takes {_parameters.Length} arguments, got {arguments.Length}.");
        ulong* values = stackalloc ulong[MostParameters];
        void** pointers = stackalloc void*[MostParameters];
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i].Kind != _parameters[i]) throw new ArgumentException($"Argument {i} of kernel {Name} is '{arguments[i].Kind}', not '{_parameters[i]}'.");
            values[i] = arguments[i].Bits;
            pointers[i] = values + i;
        }
        if (_device.IsSynchronous) LaunchAlone(stream, shape, arguments, pointers);
        else Launch(stream, shape, arguments, pointers);
    }

    private void Launch(DeviceStream stream, LaunchShape shape, ReadOnlySpan<KernelArgument> arguments, void** parameters)
    {
        if (_device.Recorder is { } recorder)
        {
            recorder.Add(new RecordedLaunch(Name, KernelWork.Of(Name, shape.GridX, shape.GridY, arguments), (long)shape.GridX * shape.GridY));
        }
        if (_device.Timer is { } timer) IssueTimed(timer, stream, shape, arguments, parameters);
        else Issue(stream, shape, parameters);
    }

    // Nothing else runs meanwhile, so a failure is this launch's; what failed before it is told first, and not as this one's.
    private void LaunchAlone(DeviceStream stream, LaunchShape shape, ReadOnlySpan<KernelArgument> arguments, void** parameters)
    {
        lock (_device.OneByOne)
        {
            stream.Synchronize();
            try
            {
                Launch(stream, shape, arguments, parameters);
                stream.Synchronize();
            }
            catch (DeviceException error)
            {
                throw _device.Driver.Lay(error, Describe(shape, arguments));
            }
        }
    }

    // Pointers as the bytes from there to the end of their buffer.
    private string Describe(LaunchShape shape, ReadOnlySpan<KernelArgument> arguments)
    {
        var texts = new List<string>();
        foreach (KernelArgument argument in arguments)
        {
            texts.Add(argument.Kind switch
            {
                'P' when argument.Bits == 0 => "null",
                'P' => _device.Pools.RoomAt(argument.Bits) is { } bytes ? $"{bytes} bytes" : "an address in no buffer",
                'f' => string.Create(CultureInfo.InvariantCulture, $"{BitConverter.UInt32BitsToSingle((uint)argument.Bits)}"),
                'i' => string.Create(CultureInfo.InvariantCulture, $"{(int)argument.Bits}"),
                _ => string.Create(CultureInfo.InvariantCulture, $"{(long)argument.Bits}"),
            });
        }
        return $"kernel {Name} with a grid of {shape.GridX}×{shape.GridY} blocks of {shape.BlockX}×{shape.BlockY} threads and the arguments ({string.Join(", ", texts)})";
    }

    private void IssueTimed(KernelTimer timer, DeviceStream stream, LaunchShape shape, ReadOnlySpan<KernelArgument> arguments, void** parameters) =>
        timer.Time(Name, KernelWork.Of(Name, shape.GridX, shape.GridY, arguments), stream, () => Issue(stream, shape, parameters));

    private void Issue(DeviceStream stream, LaunchShape shape, void** parameters) => _device.Driver.Check(
        _device.Driver.LaunchKernel(
            _function, (uint)shape.GridX, (uint)shape.GridY, 1, (uint)shape.BlockX, (uint)shape.BlockY, 1, 0, stream.Handle, parameters, null),
        Name);
}

using System.Globalization;
using Spos.Engine.Devices;
using Spos.Engine.Native;

namespace Spos.Engine.Kernels;

/// <summary>A kernel loaded on a device; <see cref="LaunchGrid"/> launches it.</summary>
public sealed unsafe class Kernel
{
    private readonly KernelSet _set;
    private readonly Device _device;
    private readonly nint _function;
    private readonly int _index;
    private readonly IReadOnlyList<KernelParameter> _parameters;

    /// <param name="set">Those of the device that it belongs to.</param>
    /// <param name="index">Its place in the catalogue.</param>
    /// <exception cref="InvalidOperationException">The compiled kernel has other parameters than the catalogue says.</exception>
    internal Kernel(KernelSet set, Device device, nint function, int index, KernelCatalogue.Entry entry)
    {
        (_set, _device, _function, _index, _parameters, Name) = (set, device, function, index, entry.Parameters, entry.Name);
        IReadOnlyList<int>? sizes =
            device.CompiledKernels?.First(k => k.Name == Name).ParameterSizes ?? device.Driver.ParameterSizes(function, _parameters.Count);
        IEnumerable<int> declared = _parameters.Select(parameter => parameter.Size);
        if (sizes != null && !sizes.SequenceEqual(declared))
        {
            throw new InvalidOperationException(
                $"Kernel {Name} has parameters of {string.Join(", ", sizes)} bytes; the catalogue says {string.Join(", ", declared)}.");
        }
    }

    public string Name { get; }

    /// <summary>The driver's handle.</summary>
    internal nint Function => _function;

    /// <summary>Issues the kernel to the grid's stream.</summary>
    /// <param name="arguments">As cuLaunchKernel takes them: where each of the kernel's parameters is.</param>
    internal void Launch(in LaunchGrid grid, void** arguments)
    {
        if (_device.IsSynchronous) LaunchAlone(grid, arguments);
        else LaunchWatched(grid, arguments);
    }

    private void LaunchWatched(in LaunchGrid grid, void** arguments)
    {
        if (_set.Recorder is { } recorder)
        {
            recorder.Add(new RecordedLaunch(Name, KernelCatalogue.WorkOf(_index, grid.X, grid.Y, arguments), (long)grid.X * grid.Y));
        }
        if (_set.Timer is { } timer) IssueTimed(timer, grid, arguments);
        else Issue(grid, arguments);
    }

    // Nothing else runs meanwhile, so a failure is this launch's; what failed before it is told first, and not as this one's.
    private void LaunchAlone(in LaunchGrid grid, void** arguments)
    {
        lock (_device.OneByOne)
        {
            grid.Stream.Synchronize();
            try
            {
                LaunchWatched(grid, arguments);
                grid.Stream.Synchronize();
            }
            catch (DeviceException error)
            {
                throw _device.Driver.Lay(error, Describe(grid, arguments));
            }
        }
    }

    // Pointers as the bytes from there to the end of their buffer.
    private string Describe(in LaunchGrid grid, void** arguments)
    {
        var texts = new List<string>();
        for (int i = 0; i < _parameters.Count; i++)
        {
            texts.Add(_parameters[i].Kind switch
            {
                KernelParameterKind.Int32 => string.Create(CultureInfo.InvariantCulture, $"{*(int*)arguments[i]}"),
                KernelParameterKind.Int64 => string.Create(CultureInfo.InvariantCulture, $"{*(long*)arguments[i]}"),
                KernelParameterKind.Single => string.Create(CultureInfo.InvariantCulture, $"{*(float*)arguments[i]}"),
                _ => DescribePointer(*(ulong*)arguments[i]),
            });
        }
        return $"kernel {Name} with {grid} and the arguments ({string.Join(", ", texts)})";
    }

    private string DescribePointer(ulong address)
    {
        if (address == 0) return "null";
        return _device.Pools.RoomAt(address) is { } bytes ? $"{bytes} bytes" : "an address in no buffer";
    }

    private void IssueTimed(KernelTimer timer, LaunchGrid grid, void** arguments) =>
        timer.Time(Name, KernelCatalogue.WorkOf(_index, grid.X, grid.Y, arguments), grid.Stream, () => Issue(grid, arguments));

    private void Issue(in LaunchGrid grid, void** arguments) => _device.Driver.Check(
        _device.Driver.LaunchKernel(
            _function, (uint)grid.X, (uint)grid.Y, 1, (uint)grid.BlockX, (uint)grid.BlockY, 1, 0, grid.Stream.Handle, arguments, null),
        Name);
}

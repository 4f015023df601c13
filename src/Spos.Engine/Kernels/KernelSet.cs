using System.Text;
using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>The kernels of one device; each file's module is loaded when one of its kernels is first asked for.</summary>
public sealed unsafe class KernelSet
{
    private static readonly Dictionary<string, KernelCatalogue.Entry> Catalogue = KernelCatalogue.Entries.ToDictionary(e => e.Name);

    private readonly Device _device;
    private readonly Dictionary<string, nint> _modules = [];
    private readonly Dictionary<string, Kernel> _kernels = [];
    private readonly Lock _lock = new();

    internal KernelSet(Device device) => _device = device;

    /// <summary>The kernel of that name.</summary>
    /// <exception cref="KeyNotFoundException">It is not in the catalogue.</exception>
    public Kernel this[string name]
    {
        get
        {
            lock (_lock)
            {
                if (_kernels.TryGetValue(name, out Kernel? kernel)) return kernel;
                if (!Catalogue.TryGetValue(name, out KernelCatalogue.Entry entry)) throw new KeyNotFoundException($"No kernel is called '{name}'.");
                return _kernels[name] = Load(entry);
            }
        }
    }

    private Kernel Load(KernelCatalogue.Entry entry)
    {
        _device.MakeCurrent();
        if (!_modules.TryGetValue(entry.Module, out nint module))
        {
            fixed (byte* image = _device.ImageOf(entry.Module))
            {
                _device.Driver.Check(_device.Driver.ModuleLoadData(&module, image), $"cuModuleLoadData({entry.Module})");
            }
            _modules[entry.Module] = module;
        }
        nint function;
        fixed (byte* name = Encoding.ASCII.GetBytes(entry.Name + '\0'))
        {
            _device.Driver.Check(_device.Driver.ModuleGetFunction(&function, module, name), $"cuModuleGetFunction({entry.Name})");
        }
        return new Kernel(_device, function, entry);
    }
}

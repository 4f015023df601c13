using System.Collections.Concurrent;
using System.Text;
using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>The kernels of one device; each file's module is loaded when one of its kernels is first asked for, or all by <see cref="LoadAll"/>.</summary>
public sealed unsafe class KernelSet
{
    private static readonly Dictionary<string, KernelCatalogue.Entry> Catalogue = KernelCatalogue.Entries.ToDictionary(e => e.Name);

    private readonly Device _device;
    private readonly ConcurrentDictionary<string, Lazy<nint>> _modules = [];
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

    /// <summary>The names of those that were asked for so far.</summary>
    internal IReadOnlyList<string> Loaded
    {
        get
        {
            lock (_lock) return [.. _kernels.Keys];
        }
    }

    /// <summary>Loads all modules side by side, those first that take longest.</summary>
    /// <param name="loaded">Is told of each; from any thread.</param>
    internal void LoadAll(Action<string>? loaded = null) => KernelModules.ForEach(KernelModules.LargestFirst, module =>
    {
        _ = ModuleOf(module);
        loaded?.Invoke(module);
    });

    private Kernel Load(KernelCatalogue.Entry entry)
    {
        nint module = ModuleOf(entry.Module), function;
        _device.MakeCurrent();
        fixed (byte* name = Encoding.ASCII.GetBytes(entry.Name + '\0'))
        {
            _device.Driver.Check(_device.Driver.ModuleGetFunction(&function, module, name), $"cuModuleGetFunction({entry.Name})");
        }
        return new Kernel(_device, function, entry);
    }

    private nint ModuleOf(string name) => _modules.GetOrAdd(name, module => new Lazy<nint>(() => LoadModule(module))).Value;

    private nint LoadModule(string name)
    {
        byte[] bytes = _device.ImageOf(name);
        _device.MakeCurrent();
        nint module;
        fixed (byte* image = bytes) _device.Driver.Check(_device.Driver.ModuleLoadData(&module, image), $"cuModuleLoadData({name})");
        return module;
    }
}

using System.Collections.Concurrent;
using System.Text;
using Spos.Engine.Compilation;
using Spos.Engine.Devices;

namespace Spos.Engine.Kernels;

/// <summary>
/// The kernels of one device; each file's module is loaded when one of its kernels is first asked for, or by <see cref="LoadAll"/>.
/// </summary>
public sealed unsafe class KernelSet : ILaunches
{
    private static readonly Dictionary<string, int> Indices =
        KernelCatalogue.Entries.Select((entry, index) => (entry.Name, index)).ToDictionary(e => e.Name, e => e.index);

    private readonly Device _device;
    private readonly ConcurrentDictionary<string, Lazy<nint>> _modules = [];
    private readonly Kernel?[] _kernels = new Kernel?[KernelCatalogue.Entries.Count];
    private readonly Lock _lock = new();

    private KernelSet(Device device) => _device = device;

    /// <summary>Times all launches while it is set.</summary>
    public KernelTimer? Timer { get; set; }

    /// <summary>Notes all launches while it is set.</summary>
    public LaunchRecorder? Recorder { get; set; }

    bool ILaunches.AreWatched => Timer != null || Recorder != null;

    /// <summary>The device's one.</summary>
    internal static KernelSet Of(Device device) =>
        device.Launches is KernelSet kernels ? kernels : (KernelSet)device.Begin(new KernelSet(device));

    /// <summary>The kernel of that name.</summary>
    /// <exception cref="KeyNotFoundException">It is not in the catalogue.</exception>
    public Kernel this[string name] =>
        Indices.TryGetValue(name, out int index) ? this[index] : throw new KeyNotFoundException($"No kernel is called '{name}'.");

    /// <summary>The kernel at a place of the catalogue.</summary>
    internal Kernel this[int index] => Volatile.Read(ref _kernels[index]) ?? Load(index);

    /// <summary>The names of those that were asked for so far.</summary>
    internal IReadOnlyList<string> Loaded
    {
        get
        {
            lock (_lock) return [.. _kernels.OfType<Kernel>().Select(kernel => kernel.Name)];
        }
    }

    /// <summary>Loads modules side by side.</summary>
    /// <param name="loaded">Is told of each; from any thread.</param>
    internal void LoadAll(IReadOnlyList<string> modules, Action<string> loaded) => KernelModules.ForEach(modules, module =>
    {
        _ = ModuleOf(module);
        loaded(module);
    });

    private Kernel Load(int index)
    {
        lock (_lock)
        {
            if (_kernels[index] is { } loaded) return loaded;
            KernelCatalogue.Entry entry = KernelCatalogue.Entries[index];
            nint module = ModuleOf(entry.Module), function;
            _device.MakeCurrent();
            fixed (byte* name = Encoding.ASCII.GetBytes(entry.Name + '\0'))
            {
                _device.Driver.Check(_device.Driver.ModuleGetFunction(&function, module, name), $"cuModuleGetFunction({entry.Name})");
            }
            var kernel = new Kernel(this, _device, function, index, entry);
            Volatile.Write(ref _kernels[index], kernel);
            return kernel;
        }
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

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Spos.Engine.Native;

namespace Spos.Engine.Compilation;

/// <summary>Compiles the kernel files for NVIDIA's GPUs with NVRTC.</summary>
internal sealed unsafe class KernelCompiler
{
    private readonly Nvrtc _nvrtc;

    public KernelCompiler(Nvrtc nvrtc)
    {
        _nvrtc = nvrtc;
        Offer = new KernelOffer(
            nvrtc.Version, [.. nvrtc.Architectures.SelectMany(a => new KernelTarget[] { new(a, IsPtx: false), new(a, IsPtx: true) })]);
    }

    /// <summary>NVRTC's version.</summary>
    public Version Version => _nvrtc.Version;

    /// <summary>Where NVRTC lies.</summary>
    public string Path => _nvrtc.Path;

    /// <summary>What it compiles for.</summary>
    public KernelOffer Offer { get; }

    /// <summary>All that compiled kernels depend on, but for NVRTC's version and the target.</summary>
    public static string Fingerprint { get; } = Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{KernelSources.Fingerprint} {string.Join(' ', Options("", false))}")));

    /// <summary>One for each NVRTC that is installed.</summary>
    public static IReadOnlyList<KernelCompiler> FindAll() => [.. Nvrtc.FindAll().Select(nvrtc => new KernelCompiler(nvrtc))];

    /// <summary>That of the newest NVRTC which is installed, or null.</summary>
    public static KernelCompiler? TryCreate() => FindAll().MaxBy(compiler => compiler.Version);

    /// <summary>Compiles a module.</summary>
    /// <returns>What cuModuleLoadData takes, and NVRTC's log, for a cubin with what each kernel uses.</returns>
    /// <exception cref="KernelCompilationException">The source has errors.</exception>
    public (byte[] Image, string Log) Compile(string module, KernelTarget target) => Compile(module, KernelSources.Modules[module], target);

    /// <summary>The same for a source that is not one of the assembly's.</summary>
    internal (byte[] Image, string Log) Compile(string module, string source, KernelTarget target)
    {
        _nvrtc.LoadBuiltins();
        using var text = new NativeStrings();
        string[] headers = [.. KernelSources.Headers.Keys];
        nint program;
        _nvrtc.Check(
            _nvrtc.CreateProgram(
                &program, text.Add(source), text.Add($"native/kernels/{module}.cu"), headers.Length,
                text.Add(headers.Select(h => KernelSources.Headers[h])), text.Add(headers)),
            "nvrtcCreateProgram");
        try
        {
            string[] options = Options(target.Name, !target.IsPtx);
            int status = _nvrtc.CompileProgram(program, options.Length, text.Add(options));
            byte[] log = Read(program, "ProgramLog", _nvrtc.GetProgramLogSize, _nvrtc.GetProgramLog);
            string words = Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
            if (status != 0) throw new KernelCompilationException(module, target.Name, words);
            // PTX is a text, with the zero at its end that cuModuleLoadData wants.
            byte[] image = target.IsPtx
                ? Read(program, "PTX", _nvrtc.GetPtxSize, _nvrtc.GetPtx)
                : Read(program, "CUBIN", _nvrtc.GetCubinSize, _nvrtc.GetCubin);
            return (image, words);
        }
        finally
        {
            _ = _nvrtc.DestroyProgram(&program);
        }
    }

    /// <summary>Names what a compiled module depends on: the sources, the options, the target and NVRTC's version.</summary>
    public string KeyOf(string module, KernelTarget target)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IEnumerable<string> parts =
        [
            $"{Version}", .. Options(target.Name, !target.IsPtx), module, KernelSources.Modules[module],
            .. KernelSources.Headers.OrderBy(h => h.Key, StringComparer.Ordinal).SelectMany(h => new[] { h.Key, h.Value }),
        ];
        foreach (string part in parts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // What nvrtcGet… gives of a program.
    private byte[] Read(
        nint program, string what, delegate* unmanaged<nint, nuint*, int> sizeOf, delegate* unmanaged<nint, byte*, int> read)
    {
        nuint size;
        _nvrtc.Check(sizeOf(program, &size), $"nvrtcGet{what}Size");
        byte[] bytes = new byte[(int)size];
        fixed (byte* target = bytes) _nvrtc.Check(read(program, target), $"nvrtcGet{what}");
        return bytes;
    }

    // -default-device: lambdas and templates are the device's. -v: what each kernel uses goes to the log.
    // No -lineinfo: with it NVRTC 11.8 crashes on generic lambdas for sm_90.
    private static string[] Options(string architecture, bool assembles) =>
    [
        $"--gpu-architecture={architecture}", "--std=c++17", "--pre-include=nvrtc.h", "-default-device",
        .. assembles ? ["--ptxas-options=-v"] : Array.Empty<string>(),
    ];

    // Zero-ended UTF-8 texts for one call.
    private sealed class NativeStrings : IDisposable
    {
        private readonly List<nint> _memory = [];

        public byte* Add(string text)
        {
            nint memory = Marshal.StringToCoTaskMemUTF8(text);
            _memory.Add(memory);
            return (byte*)memory;
        }

        public byte** Add(IEnumerable<string> texts)
        {
            nint[] pointers = [.. texts.Select(text => (nint)Add(text))];
            nint memory = Marshal.AllocCoTaskMem(Math.Max(1, pointers.Length) * sizeof(nint));
            _memory.Add(memory);
            Marshal.Copy(pointers, 0, memory, pointers.Length);
            return (byte**)memory;
        }

        public void Dispose()
        {
            foreach (nint memory in _memory) Marshal.FreeCoTaskMem(memory);
        }
    }
}

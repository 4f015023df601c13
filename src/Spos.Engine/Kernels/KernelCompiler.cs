using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Spos.Engine.Native;

namespace Spos.Engine.Kernels;

/// <summary>Compiles the kernel files for NVIDIA's GPUs with NVRTC.</summary>
internal sealed unsafe class KernelCompiler
{
    private readonly Nvrtc _nvrtc;

    private KernelCompiler(Nvrtc nvrtc)
    {
        _nvrtc = nvrtc;
        int major, minor;
        nvrtc.Check(nvrtc.Version(&major, &minor), "nvrtcVersion");
        Version = $"{major}.{minor}";
    }

    /// <summary>NVRTC's version.</summary>
    public string Version { get; }

    /// <summary>The compiler, or null where NVRTC is not installed.</summary>
    public static KernelCompiler? TryCreate() => Nvrtc.TryLoad() is { } nvrtc ? new KernelCompiler(nvrtc) : null;

    /// <summary>Compiles a module for an architecture such as "sm_80".</summary>
    /// <returns>The cubin, and NVRTC's log with what each kernel uses.</returns>
    /// <exception cref="KernelCompilationException">The source has errors.</exception>
    public (byte[] Cubin, string Log) Compile(string module, string architecture) => Compile(module, KernelSources.Modules[module], architecture);

    /// <summary>The same for a source that is not one of the assembly's.</summary>
    internal (byte[] Cubin, string Log) Compile(string module, string source, string architecture)
    {
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
            string[] options = Options(architecture);
            int status = _nvrtc.CompileProgram(program, options.Length, text.Add(options));
            nuint size;
            _nvrtc.Check(_nvrtc.GetProgramLogSize(program, &size), "nvrtcGetProgramLogSize");
            byte[] log = new byte[(int)size];
            fixed (byte* target = log) _nvrtc.Check(_nvrtc.GetProgramLog(program, target), "nvrtcGetProgramLog");
            string words = Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
            if (status != 0) throw new KernelCompilationException(module, architecture, words);
            _nvrtc.Check(_nvrtc.GetCubinSize(program, &size), "nvrtcGetCUBINSize");
            byte[] cubin = new byte[(int)size];
            fixed (byte* target = cubin) _nvrtc.Check(_nvrtc.GetCubin(program, target), "nvrtcGetCUBIN");
            return (cubin, words);
        }
        finally
        {
            _ = _nvrtc.DestroyProgram(&program);
        }
    }

    /// <summary>Names what a cubin depends on: the sources, the options and NVRTC's version.</summary>
    public string KeyOf(string module, string architecture)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IEnumerable<string> parts =
        [
            Version, .. Options(architecture), module, KernelSources.Modules[module],
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

    // -default-device: lambdas and templates are the device's. -v: what each kernel uses goes to the log.
    // No -lineinfo: with it NVRTC 11.8 crashes on generic lambdas for sm_90.
    private static string[] Options(string architecture) =>
        [$"--gpu-architecture={architecture}", "--std=c++17", "--pre-include=nvrtc.h", "-default-device", "--ptxas-options=-v"];

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

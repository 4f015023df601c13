using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>
/// The part of ONNX Runtime's C interface that Spos binds: a table of functions, of which names and places are as in
/// onnxruntime_c_api.h (github.com/microsoft/onnxruntime). The table only ever grows at its end, so newer libraries serve too.
/// </summary>
internal sealed unsafe class OnnxRuntimeLibrary
{
    /// <summary>The variable that names the library's file, or the folder that holds it.</summary>
    public const string Variable = "SPOS_ONNXRUNTIME";

    // ORT_API_VERSION of 1.12, of July 2022: the first that reads OnnxWriter's opset, 17.
    private const uint OldestInterface = 12;

    private static readonly string[] Names = ["libonnxruntime.so.1", "libonnxruntime.so"];

    private readonly nint* _functions;

    private OnnxRuntimeLibrary(nint library, string path)
    {
        // OrtGetApiBase gives two functions: GetApi and GetVersionString.
        nint* start = ((delegate* unmanaged<nint*>)NativeLibrary.GetExport(library, "OrtGetApiBase"))();
        Path = path;
        Version = TextAt(((delegate* unmanaged<byte*>)start[1])());
        _functions = ((delegate* unmanaged<uint, nint*>)start[0])(OldestInterface);
        if (_functions == null)
        {
            throw new OnnxRuntimeException($"{path} is ONNX Runtime {Version}, which is older than 1.{OldestInterface}. {Advice}");
        }
    }

    /// <summary>The file; the name alone if the loader found it.</summary>
    public string Path { get; }

    /// <summary>Such as "1.31.1".</summary>
    public string Version { get; }

    private static string Advice =>
        $"Take libonnxruntime.so of github.com/microsoft/onnxruntime/releases, or of NuGet's Microsoft.ML.OnnxRuntime, and let {Variable} "
        + "name it, or the folder that holds it.";

    /// <summary>Loads it: what <see cref="Variable"/> names, or what the loader finds.</summary>
    /// <exception cref="OnnxRuntimeException">It is not there, too old, or cannot be loaded.</exception>
    public static OnnxRuntimeLibrary Load()
    {
        string? named = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? System.IO.Path.GetFullPath(text) : null;
        string[] files = named == null ? Names
            : Directory.Exists(named) ? [.. Names.Select(name => System.IO.Path.Combine(named, name)).Where(File.Exists)]
            : [named];
        if (files.Length == 0) throw new OnnxRuntimeException($"{Variable}: {named} holds no {string.Join(" and no ", Names)}. {Advice}");
        string reason = "";
        foreach (string file in files)
        {
            try
            {
                return new OnnxRuntimeLibrary(NativeLibrary.Load(file), file);
            }
            catch (Exception error) when (error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
            {
                // The loader's own words are the last line of .NET's.
                reason = error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
            }
        }
        throw new OnnxRuntimeException(named == null
            ? $"ONNX Runtime is not there: the loader has neither {string.Join(" nor ", Names)} ({reason.TrimEnd('.')}). {Advice}"
            : $"{Variable}: {files[^1]} cannot be loaded as ONNX Runtime ({reason.TrimEnd('.')}). {Advice}");
    }

    /// <summary>Throws unless a call succeeded, and lets go of its status.</summary>
    /// <param name="status">Null for success.</param>
    /// <exception cref="OnnxRuntimeException">It failed.</exception>
    public void Check(nint status, string call)
    {
        if (status == 0) return;
        string message = TextAt(((delegate* unmanaged<nint, byte*>)_functions[2])(status));
        Release(OnnxRuntimeObject.Status, status);
        throw new OnnxRuntimeException($"ONNX Runtime {Version}: {call} failed: {Shown.Excerpt(message, 300)}");
    }

    /// <summary>Lets go of what was made; nothing where nothing was.</summary>
    public void Release(OnnxRuntimeObject kind, nint one)
    {
        if (one != 0) ((delegate* unmanaged<nint, void>)_functions[(int)kind])(one);
    }

    /// <summary>Level below which nothing is logged (4 for what ends the process), a name; gives an OrtEnv.</summary>
    public delegate* unmanaged<int, byte*, nint*, nint> CreateEnv => (delegate* unmanaged<int, byte*, nint*, nint>)_functions[3];

    /// <summary>OrtEnv, graph, bytes, OrtSessionOptions; gives an OrtSession.</summary>
    public delegate* unmanaged<nint, byte*, nuint, nint, nint*, nint> CreateSessionFromArray =>
        (delegate* unmanaged<nint, byte*, nuint, nint, nint*, nint>)_functions[8];

    /// <summary>OrtSession, no options, names of inputs, inputs, how many, names of outputs, how many, outputs that are filled.</summary>
    public delegate* unmanaged<nint, nint, byte**, nint*, nuint, byte**, nuint, nint*, nint> Run =>
        (delegate* unmanaged<nint, nint, byte**, nint*, nuint, byte**, nuint, nint*, nint>)_functions[9];

    /// <summary>Gives OrtSessionOptions.</summary>
    public delegate* unmanaged<nint*, nint> CreateSessionOptions => (delegate* unmanaged<nint*, nint>)_functions[10];

    /// <summary>OrtSessionOptions, level: 99 for all there are.</summary>
    public delegate* unmanaged<nint, int, nint> SetSessionGraphOptimizationLevel => (delegate* unmanaged<nint, int, nint>)_functions[23];

    /// <summary>OrtSessionOptions, threads that share the work of a node.</summary>
    public delegate* unmanaged<nint, int, nint> SetIntraOpNumThreads => (delegate* unmanaged<nint, int, nint>)_functions[24];

    /// <summary>OrtSessionOptions, threads that work on nodes side by side.</summary>
    public delegate* unmanaged<nint, int, nint> SetInterOpNumThreads => (delegate* unmanaged<nint, int, nint>)_functions[25];

    /// <summary>
    /// OrtMemoryInfo, values, bytes, sizes, how many, type (1 for floats, 2 for bytes); gives an OrtValue in the same memory.
    /// </summary>
    public delegate* unmanaged<nint, void*, nuint, long*, nuint, int, nint*, nint> CreateTensorWithDataAsOrtValue =>
        (delegate* unmanaged<nint, void*, nuint, long*, nuint, int, nint*, nint>)_functions[49];

    /// <summary>Kind of allocator (0 for the device's), kind of memory (0 for its own); gives an OrtMemoryInfo of the CPU.</summary>
    public delegate* unmanaged<int, int, nint*, nint> CreateCpuMemoryInfo => (delegate* unmanaged<int, int, nint*, nint>)_functions[69];

    private static string TextAt(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}

/// <summary>What ONNX Runtime makes, by the place of the function that lets go of it.</summary>
internal enum OnnxRuntimeObject
{
    Env = 92,
    Status = 93,
    MemoryInfo = 94,
    Session = 95,
    Value = 96,
    SessionOptions = 100,
}

/// <summary>ONNX Runtime is not there, or refuses what is asked of it.</summary>
public sealed class OnnxRuntimeException(string message) : SposException(message);

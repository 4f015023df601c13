using System.Runtime.InteropServices;
using System.Text;

namespace Spos.Engine.Native;

/// <summary>
/// ONNX Runtime on the CPU, as it is installed on this machine. Spos does not come with it, and needs it only to run exported networks and
/// to time them there.
/// </summary>
public sealed unsafe class OnnxRuntime : IDisposable
{
    // ORT_LOGGING_LEVEL_FATAL: what fails is told by the call that failed.
    private const int FatalAlone = 4;

    private readonly OnnxRuntimeLibrary _library;
    private readonly nint _environment;
    private readonly nint _memory;

    /// <exception cref="OnnxRuntimeException">It is not there; the message says where to get it.</exception>
    public OnnxRuntime()
    {
        _library = OnnxRuntimeLibrary.Load();
        nint made;
        fixed (byte* name = "spos\0"u8) _library.Check(_library.CreateEnv(FatalAlone, name, &made), "CreateEnv");
        _environment = made;
        try
        {
            _library.Check(_library.CreateCpuMemoryInfo(0, 0, &made), "CreateCpuMemoryInfo");
        }
        catch (OnnxRuntimeException)
        {
            _library.Release(OnnxRuntimeObject.Env, _environment);
            throw;
        }
        _memory = made;
    }

    /// <summary>Such as "1.31.1".</summary>
    public string Version => _library.Version;

    /// <summary>The library's file; its name alone if the loader found it.</summary>
    public string Path => _library.Path;

    /// <summary>An array of zeros that graphs read or fill.</summary>
    /// <exception cref="OnnxRuntimeException">It is too large.</exception>
    public Tensor<T> NewTensor<T>(params long[] sizes)
        where T : unmanaged => new(this, sizes);

    /// <summary>Makes a graph ready, optimised as far as it goes.</summary>
    /// <param name="model">A file's content.</param>
    /// <param name="input">The name of its one input.</param>
    /// <param name="output">The name of its one result.</param>
    /// <exception cref="OnnxRuntimeException">It is no graph that can be run.</exception>
    public Graph Load(byte[] model, string input, string output, int threads) => new(this, model, input, output, threads);

    public void Dispose()
    {
        _library.Release(OnnxRuntimeObject.MemoryInfo, _memory);
        _library.Release(OnnxRuntimeObject.Env, _environment);
    }

    /// <summary>An array that graphs read or fill.</summary>
    public abstract class Tensor
    {
        private protected Tensor()
        {
        }

        internal nint Handle { get; private protected init; }
    }

    /// <summary>An array of floats or bytes in memory that does not move.</summary>
    public sealed class Tensor<T> : Tensor, IDisposable
        where T : unmanaged
    {
        private const nuint Alignment = 64;

        private readonly OnnxRuntime _runtime;
        private readonly T* _values;
        private readonly int _count;

        internal Tensor(OnnxRuntime runtime, long[] sizes)
        {
            _runtime = runtime;
            long count = sizes.Aggregate(1L, (product, size) => checked(product * size));
            if (count > int.MaxValue)
            {
                throw new OnnxRuntimeException($"An array of {count:N0} values is too large for ONNX Runtime here: try a smaller batch.");
            }
            _count = (int)count;
            nuint bytes = (nuint)count * (nuint)sizeof(T);
            _values = (T*)NativeMemory.AlignedAlloc(bytes, Alignment);
            Values.Clear();
            nint made;
            fixed (long* shape = sizes)
            {
                nint status = runtime._library.CreateTensorWithDataAsOrtValue(
                    runtime._memory, _values, bytes, shape, (nuint)sizes.Length, ElementType, &made);
                if (status != 0) NativeMemory.AlignedFree(_values);
                runtime._library.Check(status, "CreateTensorWithDataAsOrtValue");
            }
            Handle = made;
        }

        // As ONNXTensorElementDataType numbers them.
        private static int ElementType => typeof(T) == typeof(float) ? 1 : typeof(T) == typeof(byte) ? 2
            : throw new NotSupportedException($"Arrays of {typeof(T)} are not bound.");

        public Span<T> Values => new(_values, _count);

        public void Dispose()
        {
            _runtime._library.Release(OnnxRuntimeObject.Value, Handle);
            NativeMemory.AlignedFree(_values);
        }
    }

    /// <summary>A graph that can be run.</summary>
    public sealed class Graph : IDisposable
    {
        // ORT_ENABLE_ALL.
        private const int AllOptimizations = 99;

        private readonly OnnxRuntime _runtime;
        private readonly nint _session;
        private readonly byte[] _input;
        private readonly byte[] _output;

        internal Graph(OnnxRuntime runtime, byte[] model, string input, string output, int threads)
        {
            (_runtime, _input, _output) = (runtime, Encoding.UTF8.GetBytes(input + '\0'), Encoding.UTF8.GetBytes(output + '\0'));
            OnnxRuntimeLibrary library = runtime._library;
            nint options, made;
            library.Check(library.CreateSessionOptions(&options), "CreateSessionOptions");
            try
            {
                library.Check(library.SetSessionGraphOptimizationLevel(options, AllOptimizations), "SetSessionGraphOptimizationLevel");
                library.Check(library.SetIntraOpNumThreads(options, threads), "SetIntraOpNumThreads");
                library.Check(library.SetInterOpNumThreads(options, 1), "SetInterOpNumThreads");
                fixed (byte* content = model)
                {
                    nint status = library.CreateSessionFromArray(runtime._environment, content, (nuint)model.Length, options, &made);
                    library.Check(status, "CreateSessionFromArray");
                }
            }
            finally
            {
                library.Release(OnnxRuntimeObject.SessionOptions, options);
            }
            _session = made;
        }

        /// <summary>Runs it once.</summary>
        /// <param name="output">Filled; it has the sizes of the result.</param>
        /// <exception cref="OnnxRuntimeException">It failed, as where sizes do not fit.</exception>
        public void Run(Tensor input, Tensor output)
        {
            nint read = input.Handle, filled = output.Handle;
            fixed (byte* inputName = _input, outputName = _output)
            {
                byte* from = inputName, to = outputName;
                OnnxRuntimeLibrary library = _runtime._library;
                library.Check(library.Run(_session, 0, &from, &read, 1, &to, 1, &filled), "Run");
            }
        }

        public void Dispose() => _runtime._library.Release(OnnxRuntimeObject.Session, _session);
    }
}

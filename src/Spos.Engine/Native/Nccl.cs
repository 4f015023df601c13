using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>
/// The bound entry points of NVIDIA's NCCL, names and values as in nccl.h (github.com/NVIDIA/nccl): what carries bytes between GPUs of
/// several processes. Status 0 is success. A stream of the driver is one of the runtime's, too.
/// </summary>
/// <param name="export">Gives the address of an entry point.</param>
internal sealed unsafe class Nccl(Func<string, nint> export)
{
    /// <exception cref="EntryPointNotFoundException">It cannot send and receive.</exception>
    public Nccl(FoundLibrary found)
        : this(name => NativeLibrary.TryGetExport(found.Handle, name, out nint address) || name == LastErrorName
            ? address
            : throw new EntryPointNotFoundException(name))
    {
    }

    /// <summary>ncclSuccess, and ncclInProgress, which ncclCommGetAsyncError gives while something is under way.</summary>
    public const int Success = 0, InProgress = 7;

    /// <summary>ncclFloat32.</summary>
    public const int Float32 = 7;

    private const string LastErrorName = "ncclGetLastError";

    // NCCL_VERSION writes 2.8 and before with fewer digits.
    private const int FirstLongVersion = 10_000;

    /// <summary>
    /// The first version whose groups may send several times to one process: 2.7 keeps the last of them (ncclSaveP2p), and those before
    /// send nothing.
    /// </summary>
    public static Version Oldest { get; } = new(2, 8);

    private readonly delegate* unmanaged<int*, int> _getVersion = (delegate* unmanaged<int*, int>)export("ncclGetVersion");

    private readonly delegate* unmanaged<int, byte*> _getErrorString = (delegate* unmanaged<int, byte*>)export("ncclGetErrorString");

    // From version 2.13 on.
    private readonly delegate* unmanaged<nint, byte*> _getLastError = (delegate* unmanaged<nint, byte*>)export(LastErrorName);

    /// <summary>Gives what processes find each other by: one asks for it and tells it to the others.</summary>
    public readonly delegate* unmanaged<UniqueId*, int> GetUniqueId = (delegate* unmanaged<UniqueId*, int>)export("ncclGetUniqueId");

    /// <summary>Gives a communicator; then how many processes, what they find each other by, and this one's number.</summary>
    public readonly delegate* unmanaged<nint*, int, UniqueId, int, int> CommInitRank =
        (delegate* unmanaged<nint*, int, UniqueId, int, int>)export("ncclCommInitRank");

    /// <summary>Lets a communicator go whose work is done.</summary>
    public readonly delegate* unmanaged<nint, int> CommDestroy = (delegate* unmanaged<nint, int>)export("ncclCommDestroy");

    /// <summary>The same, and ends work on the GPU that waits for another process.</summary>
    public readonly delegate* unmanaged<nint, int> CommAbort = (delegate* unmanaged<nint, int>)export("ncclCommAbort");

    /// <summary>Gives what has become of work that was issued before.</summary>
    public readonly delegate* unmanaged<nint, int*, int> CommGetAsyncError =
        (delegate* unmanaged<nint, int*, int>)export("ncclCommGetAsyncError");

    public readonly delegate* unmanaged<int> GroupStart = (delegate* unmanaged<int>)export("ncclGroupStart");

    public readonly delegate* unmanaged<int> GroupEnd = (delegate* unmanaged<int>)export("ncclGroupEnd");

    /// <summary>From where on the device, how many values of which type, to whom, communicator, stream.</summary>
    public readonly delegate* unmanaged<ulong, nuint, int, int, nint, nint, int> Send =
        (delegate* unmanaged<ulong, nuint, int, int, nint, nint, int>)export("ncclSend");

    /// <summary>To where on the device, how many values of which type, from whom, communicator, stream.</summary>
    public readonly delegate* unmanaged<ulong, nuint, int, int, nint, nint, int> Recv =
        (delegate* unmanaged<ulong, nuint, int, int, nint, nint, int>)export("ncclRecv");

    /// <summary>ncclUniqueId, which is passed by value.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct UniqueId
    {
        public const int Size = 128;

        public fixed byte Bytes[Size];
    }

    /// <summary>Its version, such as 2.21.5; null if it tells none.</summary>
    public Version? ReadVersion()
    {
        int code;
        return _getVersion(&code) == Success ? VersionOf(code) : null;
    }

    /// <summary>What a status means, in NCCL's words.</summary>
    /// <param name="communicator">0 where there is none.</param>
    public string TextOf(int status, nint communicator)
    {
        string text = TextAt(_getErrorString(status)), more = _getLastError == null ? "" : TextAt(_getLastError(communicator));
        return more.Length == 0 ? text : $"{text} ({Shown.Excerpt(more, 300)})";
    }

    /// <summary>The version of a number such as 22105.</summary>
    internal static Version VersionOf(int code)
    {
        int major = code >= FirstLongVersion ? 10_000 : 1000;
        return new Version(code / major, code % major / 100, code % 100);
    }

    private static string TextAt(byte* text) => (Marshal.PtrToStringUTF8((nint)text) ?? "").Trim();
}

using System.Globalization;
using System.Runtime.InteropServices;
using Spos.Engine.Files;

namespace Spos.Board.Processes;

/// <summary>What came of asking a run to stop.</summary>
internal enum StopOutcome
{
    /// <summary>It was asked, and will save and end.</summary>
    Asked,

    /// <summary>No process holds the run's folder.</summary>
    NotRunning,

    /// <summary>It is another user's.</summary>
    NotPermitted,

    /// <summary>The process does not listen to the signal, which would kill it.</summary>
    NotListening,
}

/// <summary>Asks the process of a run to stop in good order.</summary>
internal static partial class RunProcess
{
    // SIGUSR1 asks a run to save and end, as Ctrl-C does; a second one, unlike a second Ctrl-C, does not end it at once.
    private const int Signal = 10;

    // Of 64-bit Linux, the same on x86-64 and arm64.
    private const nint SendSignal = 424, OpenProcess = 434;

    private const int NoSuchProcess = 3;

    /// <summary>Asks the process that holds a run's lock.</summary>
    /// <param name="lockFile">The run's lock.</param>
    public static StopOutcome Stop(string lockFile)
    {
        if (LockTable.Read().HolderOf(lockFile) is not var (process, _)) return StopOutcome.NotRunning;
        nint handle = Call(OpenProcess, process, 0, 0, 0);
        if (handle < 0) return StopOutcome.NotRunning;
        try
        {
            // The handle stays that process's own: if it still has the lock now, no other has come to its number meanwhile.
            if (FileStatus.Of(FilePath.Of(lockFile)) is not { } file) return StopOutcome.NotRunning;
            switch (LockTable.HasOpen(process, file))
            {
                case null: return StopOutcome.NotPermitted;
                case false: return StopOutcome.NotRunning;
            }
            if (!Catches(process)) return StopOutcome.NotListening;
            if (Call(SendSignal, handle, Signal, 0, 0) == 0) return StopOutcome.Asked;
            return Marshal.GetLastPInvokeError() == NoSuchProcess ? StopOutcome.NotRunning : StopOutcome.NotPermitted;
        }
        finally
        {
            _ = Close((int)handle);
        }
    }

    // The mask of signals that a process has a handler for.
    private static bool Catches(int process)
    {
        const string Field = "SigCgt:";
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal));
            return line != null
                && ulong.TryParse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask)
                && ((mask >> (Signal - 1)) & 1) != 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

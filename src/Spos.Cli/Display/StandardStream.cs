using System.Runtime.InteropServices;
using System.Text;
using Spos.Engine.Ranks;

namespace Spos.Cli.Display;

/// <summary>
/// Standard output or standard error, which may end before the program does. Whoever reads a pipe or sits at a terminal may go: the rest
/// is dropped. A full disk is an error for a command that was asked to print something, and none for a run that leaves
/// its results in a folder.
/// </summary>
internal sealed unsafe partial class StandardStream : Stream
{
    private const int Output = 1, Error = 2;

    // Error numbers of Linux.
    private const int Interrupted = 4, InputOutput = 5, TryAgain = 11, BrokenPipe = 32;

    private const short PollOut = 4;

    private readonly int _descriptor;
    private volatile bool _gone;

    private StandardStream(int descriptor) => _descriptor = descriptor;

    /// <summary>
    /// Whether output goes to somebody's screen. mpirun gives each process a terminal of its own, and collects what is written there.
    /// </summary>
    public static bool IsTerminal { get; } = !Launcher.IsPresent && !Console.IsOutputRedirected;

    /// <summary>Whether the program's work goes on when nothing can be printed.</summary>
    public static bool IsOptional { get; set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Makes <see cref="Console"/> write by such streams.</summary>
    public static void Install()
    {
        // .NET would write codes for the terminal that mpirun gives each process.
        if (Launcher.IsPresent) Environment.SetEnvironmentVariable("TERM", "dumb");
        // Without a byte order mark.
        Encoding encoding = Console.OutputEncoding is { CodePage: not 65001 } other
            ? other
            : new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        Console.SetOut(new StreamWriter(new StandardStream(Output), encoding, 1024) { AutoFlush = true });
        Console.SetError(new StreamWriter(new StandardStream(Error), encoding, 1024) { AutoFlush = true });
    }

    /// <summary>Shows the cursor of the terminal, if that is where output goes: a progress bar hides it.</summary>
    public static void ShowCursor()
    {
        if (!IsTerminal) return;
        fixed (byte* show = "\u001b[?25h"u8) _ = WriteTo(Output, show, 6);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <exception cref="StandardOutputException">It cannot be printed, and should have been.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0 && !_gone)
        {
            nint written;
            fixed (byte* start = buffer) written = WriteTo(_descriptor, start, (nuint)buffer.Length);
            if (written >= 0) buffer = buffer[(int)written..];
            else Fail(Marshal.GetLastPInvokeError());
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Fail(int error)
    {
        switch (error)
        {
            case Interrupted:
                return;
            case TryAgain:
                // Another program has set the descriptor so: wait until it takes something.
                var wanted = new PollRequest { Descriptor = _descriptor, Events = PollOut };
                _ = Poll(&wanted, 1, -1);
                return;
        }
        _gone = true;
        if (_descriptor == Error) return;
        string reason = Marshal.GetPInvokeErrorMessage(error);
        if (IsOptional) Console.Error.WriteLine($"spos: standard output can no longer be written ({reason}). The run goes on without it.");
        else if (error is not (BrokenPipe or InputOutput)) throw new StandardOutputException(reason);
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteTo(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(PollRequest* requests, nuint count, int milliseconds);

    // struct pollfd
    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Results;
    }
}

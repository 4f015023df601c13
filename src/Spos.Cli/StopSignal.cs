using System.Diagnostics;
using System.Runtime.InteropServices;
using Spos.Cli.Display;
using Spos.Engine.Files;
using Spos.Engine.Ranks;

namespace Spos.Cli;

/// <summary>
/// A piece of work that can be stopped in good order: SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal is gone) and SIGUSR1 (a scheduler's
/// warning) ask it to save and end. A second SIGINT or SIGTERM ends the program at once, whatever it waits for; so does the first
/// of any where no such work is under way.
/// </summary>
internal sealed partial class StopSignal : IDisposable
{
    private const int UserSignal1 = 10;

    // One request may come as two signals. timeout(1) sends SIGTERM to its child and at once to its process group, in which the child
    // is too, and a Ctrl-C may come from the terminal and from a wrapper that passes it on. What follows the first signal so soon is
    // that same request; a person who insists is slower.
    private static readonly TimeSpan SameRequest = TimeSpan.FromMilliseconds(100);

    // How long the program tidies up before it ends at once. The terminal or the disk may hang too.
    private static readonly TimeSpan MostTidying = TimeSpan.FromMilliseconds(500);

    private static readonly Lock Gate = new();
    private static PosixSignalRegistration[] _registrations = [];
    private static StopSignal? _current;
    private static long? _askedAt;

    private readonly CancellationTokenSource _source = new();
    private readonly string _consequence;
    private StopSignal? _outer;

    /// <param name="consequence">What becomes of the work when it is stopped, for the user.</param>
    public StopSignal(string consequence = "what was done is being saved") => _consequence = consequence;

    private enum Reaction
    {
        None,
        Stop,
        EndAtOnce,
    }

    /// <summary>Signalled when the work should stop.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The work begins: from now on the first signal asks it to stop. Each of several devices may say so.</summary>
    public void Listen()
    {
        Watch();
        lock (Gate)
        {
            if (_current != this) (_outer, _current) = (_current, this);
            if (_askedAt != null) _source.Cancel();
        }
    }

    /// <summary>Begins to watch for signals. A program that was started with SIGHUP ignored, as nohup does, goes on ignoring it.</summary>
    public static void Watch()
    {
        lock (Gate)
        {
            if (_registrations.Length > 0) return;
            PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, (PosixSignal)UserSignal1];
            _registrations = [.. signals.Where(s => !IsIgnored(NumberOf(s))).Select(s => PosixSignalRegistration.Create(s, OnSignal))];
        }
    }

    public void Dispose()
    {
        lock (Gate)
        {
            if (_current == this) _current = _outer;
            _source.Dispose();
        }
    }

    private static void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        string consequence = "";
        switch (React(context.Signal, ref consequence))
        {
            case Reaction.Stop:
                // All processes of a run are asked at once, and the first one tells it.
                if (Launcher.Rank is null or 0) Notice.Warn($"stopping: {consequence}. Another Ctrl-C or SIGTERM ends it at once.");
                break;
            case Reaction.EndAtOnce:
                EndAtOnce(128 + NumberOf(context.Signal));
                break;
        }
    }

    private static Reaction React(PosixSignal signal, ref string consequence)
    {
        StopSignal current;
        lock (Gate)
        {
            if (_askedAt is { } asked)
            {
                bool endsNow = signal is PosixSignal.SIGINT or PosixSignal.SIGTERM && Stopwatch.GetElapsedTime(asked) >= SameRequest;
                return endsNow ? Reaction.EndAtOnce : Reaction.None;
            }
            if (_current == null) return Reaction.EndAtOnce;
            _askedAt = Stopwatch.GetTimestamp();
            current = _current;
            consequence = current._consequence;
        }
        // What is called back may take time; another signal must not wait for it.
        try
        {
            current._source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The work has ended meanwhile. What begins next sees that it was asked for.
        }
        return Reaction.Stop;
    }

    /// <summary>Ends the program. Nothing that hangs may keep it, so it waits for no thread.</summary>
    /// <param name="atLast">What else is tried, for a short time.</param>
    public static void EndAtOnce(int code, Action? atLast = null)
    {
        void TidyUp()
        {
            UnfinishedWork.Remove();
            StandardStream.ShowCursor();
            atLast?.Invoke();
        }

        var tidying = new Thread(TidyUp) { IsBackground = true };
        tidying.Start();
        tidying.Join(MostTidying);
        Exit(code);
    }

    private static int NumberOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP => 1,
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGTERM => 15,
        _ => (int)signal,
    };

    // By the mask of ignored signals that the program was started with.
    private static bool IsIgnored(int signal)
    {
        string? line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("SigIgn:", StringComparison.Ordinal));
        return line != null && ((Convert.ToUInt64(line["SigIgn:".Length..].Trim(), 16) >> (signal - 1)) & 1) != 0;
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}

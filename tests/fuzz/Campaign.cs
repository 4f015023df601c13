using System.Diagnostics;

namespace Spos.Fuzz;

/// <summary>
/// Gives a target one damaged file after the other, on all cores. An exception that no user should see, a read of more than
/// 5 s and memory out of proportion to the file are failures; the file is kept.
/// </summary>
internal sealed class Campaign(Target target, ulong seed, string kept)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // What every reader may allocate, whatever the file's size.
    private const long FixedBytes = 64 << 20;

    private readonly Lock _lock = new();
    private readonly DamagedFile?[] _reading = new DamagedFile?[Environment.ProcessorCount];
    private readonly long[] _since = new long[Environment.ProcessorCount];
    private long _next;
    private TimeSpan _slowest;
    private long _most;

    public long Inputs => Interlocked.Read(ref _next);

    public int Failures { get; private set; }

    /// <summary>Runs for that long, and prints a line.</summary>
    public void Run(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        Thread[] workers =
            [.. Enumerable.Range(0, _reading.Length).Select(i => new Thread(() => Work(i, start, time)) { IsBackground = true })];
        foreach (Thread worker in workers) worker.Start();
        foreach (Thread worker in workers)
        {
            while (!worker.Join(TimeSpan.FromSeconds(1))) StopIfHung();
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Console.WriteLine(
            $"{target.Name,-14} {Inputs,10:N0} inputs  {Inputs / seconds,9:N0}/s  slowest "
            + $"{_slowest.TotalMilliseconds,6:0} ms  most memory {_most / 1e6,6:0.0} MB  {Failures} failures");
    }

    private void Work(int worker, long start, TimeSpan time)
    {
        // Readers that take a path are given one in memory, where there is such a disk.
        string folder = Path.Combine(
            Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"spos-fuzz-{Environment.ProcessId}-{worker}");
        Directory.CreateDirectory(folder);
        while (Stopwatch.GetElapsedTime(start) < time && Failures == 0) Read(worker, Interlocked.Increment(ref _next) - 1, folder);
        Directory.Delete(folder, recursive: true);
    }

    private void Read(int worker, long number, string folder)
    {
        var file = new DamagedFile(Mutator.Damage(target, seed, number), folder);
        long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        (_since[worker], _reading[worker]) = (start, file);
        try
        {
            target.Read(file);
        }
        catch (Exception error) when (error is SposException or FormatException)
        {
            // Refused, as it should be.
        }
        catch (Exception error)
        {
            Fail(file, $"input {number}: {error}");
        }
        _reading[worker] = null;
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > FixedBytes + target.BytesPerByte * file.Bytes.Length)
        {
            Fail(file, $"input {number}: {allocated} bytes allocated for a file of {file.Bytes.Length}");
        }
        lock (_lock)
        {
            if (took > _slowest) _slowest = took;
            if (allocated > _most) _most = allocated;
        }
    }

    // A thread that hangs cannot be ended, so the program is.
    private void StopIfHung()
    {
        for (int i = 0; i < _reading.Length; i++)
        {
            if (_reading[i] is not { } file || Stopwatch.GetElapsedTime(_since[i]) < Patience) continue;
            Fail(file, $"a read takes more than {Patience.TotalSeconds} s");
            Environment.Exit(1);
        }
    }

    private void Fail(DamagedFile file, string what)
    {
        lock (_lock)
        {
            Failures++;
            Directory.CreateDirectory(kept);
            string path = Path.Combine(kept, $"{target.Name}-{seed}-{Failures}");
            File.WriteAllBytes(path, file.Bytes);
            Console.WriteLine($"{target.Name}, seed {seed}: {what}\nThe file is kept: {path}");
        }
    }
}

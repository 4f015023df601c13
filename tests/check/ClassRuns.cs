using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Spos.Engine.Kernels;
using Spos.Engine.Tests.Devices;

namespace Spos.Check;

/// <summary>
/// All classes of tests that run on a device, each in a process of its own: a fault of a kernel makes all later work of its process
/// fail, and so hides nothing of other classes.
/// </summary>
internal sealed class ClassRuns(Options options)
{
    private static readonly Type[] Marks =
    [
        typeof(OnEachDeviceAttribute), typeof(OnHostAndSimtAttribute), typeof(OnHostAndSimtWithCudnnAttribute),
        typeof(CasesOnEachDeviceAttribute), typeof(OnGpusAttribute), typeof(GpuFactAttribute),
    ];

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _limit = TimeSpan.FromSeconds(options.Number("seconds", 3600));
    private readonly ConcurrentBag<ClassResult> _results = [];

    /// <returns>0 if none failed and there were some.</returns>
    public int Run()
    {
        string[] names = [.. Classes().Order(StringComparer.Ordinal)];
        Parallel.ForEach(names, new ParallelOptions { MaxDegreeOfParallelism = options.Number("jobs", 1) }, RunClass);
        int failed = _results.Sum(r => r.Failed), passed = _results.Sum(r => r.Passed);
        string[] kernels = [.. _results.SelectMany(r => r.Kernels).Distinct()];
        Console.WriteLine($"{passed} passed, {failed} failed; {kernels.Length} of {KernelCatalogue.Entries.Count} kernels were used.");
        string[] unused = [.. KernelCatalogue.Entries.Select(e => e.Name).Except(kernels)];
        if (unused.Length is > 0 and < 20) Console.WriteLine($"Not used: {string.Join(", ", unused)}.");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    private IEnumerable<string> Classes()
    {
        IReadOnlyList<string> only = options.List("only"), except = options.List("except");
        return from type in typeof(OnEachDeviceAttribute).Assembly.GetTypes()
               where type.GetMethods().Any(method => Marks.Any(mark => method.IsDefined(mark)))
               let name = type.FullName!
               where (only.Count == 0 || only.Any(name.Contains)) && !except.Any(name.Contains)
               select name;
    }

    private void RunClass(string name)
    {
        string shown = name[name.IndexOf("Tests.", StringComparison.Ordinal)..]["Tests.".Length..];
        TimeSpan left = _limit - _clock.Elapsed;
        if (left < TimeSpan.FromSeconds(1))
        {
            Fail(shown, "not begun: no time was left");
            return;
        }
        long start = Stopwatch.GetTimestamp();
        var output = new List<string>();
        using Process process = Start(name);
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        bool ended = process.WaitForExit(left);
        if (!ended) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        string seconds = $"{Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s";
        string? result = output.FindLast(line => line.StartsWith(ClassResult.Mark, StringComparison.Ordinal));
        string[] said = [.. output.Where(line => !line.StartsWith(ClassResult.Mark, StringComparison.Ordinal))];
        if (result == null)
        {
            string ending = ended
                ? $"ended with exit code {process.ExitCode} before its result ({seconds})"
                : $"was stopped after {seconds}: no time was left";
            Fail(shown, ending, said);
            return;
        }
        ClassResult read = JsonSerializer.Deserialize<ClassResult>(result[ClassResult.Mark.Length..])!;
        if (read.Passed + read.Failed == 0)
        {
            Say(said);
            return;
        }
        _results.Add(read);
        string cases =
            $"{read.Passed} passed{(read.Failed == 0 ? "" : $", {read.Failed} FAILED")}{(read.Times > 1 ? $", {read.Times} times" : "")}";
        Say([$"{(read.Failed == 0 ? "ok    " : "FAILED")}  {shown}: {cases} ({seconds})", .. said]);
    }

    private Process Start(string name)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Under `dotnet spos-check.dll` the process is dotnet.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        string[] arguments = ["class", name, "--device", options.Device, "--times", options.Text("times", "1")];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private void Fail(string name, string why, params string[] said)
    {
        _results.Add(new ClassResult(0, 1, 1, []));
        Say([$"FAILED  {name}: {why}", .. said]);
    }

    private static void Keep(List<string> lines, string? line)
    {
        if (line == null) return;
        lock (lines) lines.Add(line);
    }

    private static void Say(IEnumerable<string> lines)
    {
        lock (Console.Out)
        {
            foreach (string line in lines) Console.WriteLine(line);
        }
    }
}

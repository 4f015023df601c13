using System.Diagnostics;

namespace Spos.Field.Cases;

/// <summary>Schedulers, terminals and readers that go while the program runs.</summary>
internal static class SignalCases
{
    // Far less than what is under way would take, and enough for a machine that does much else.
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Case("SIGHUP and SIGUSR1 save as SIGTERM does, and the run goes on")]
    public static void Saving_signals(Scene scene)
    {
        foreach (string signal in new[] { "TERM", "HUP", "USR1" })
        {
            string run = scene.At(signal);
            using Process process = Scene.Start(Endless(run));
            Shell.Await(process, () => Checkpoints(run).Length > 0);
            Shell.Signal(process, signal);
            // Some are sent twice, and must not end the program before it has saved.
            if (signal != "TERM") Shell.Signal(process, signal);
            Shell.Finish(process, Soon).Ended(130).Printed("Stopped at step", "saved to", "spos: stopping");
            string newest = Checkpoints(run)[^1];
            using Process again = Scene.Start(Endless(run));
            Shell.Await(again, () => Checkpoints(run)[^1] != newest);
            Shell.Signal(again, "INT");
            Shell.Finish(again, Soon).Ended(130).Printed($"Going on from {newest}");
        }
    }

    [Case("A run under nohup outlives its terminal")]
    public static void Nohup(Scene scene)
    {
        const string script = """
            run=$1; shift
            program=$(declare -f spos | grep -o "'.*spos.dll'" | tr -d "'")
            nohup dotnet "$program" "$@" >/dev/null 2>&1 &
            child=$!
            until compgen -G "$run/*.spos" >/dev/null; do sleep 0.05; done
            kill -HUP $child; sleep 0.5
            kill -0 $child && echo alive
            kill -TERM $child; wait $child; echo "ended $?"
            """;
        Shell.Run(script, [scene.At("run"), .. Endless(scene.At("run"))]).Printed("alive", "ended 130");
    }

    [Case("A second SIGTERM ends the program at once, whatever it waits for")]
    public static void Second_signal(Scene scene)
    {
        // A step of the emulated GPU takes half a minute, in native code. Before it, a batch is waited for, which the first signal ends.
        foreach (int seconds in new[] { 2, 6, 20 })
        {
            string run = scene.At($"run-{seconds}");
            using Process process = Scene.Start(
                "supernet", "--imagenet-dir", Scene.Data, "--image-size", "32", "--batch-size", "40", "--output-dir", run,
                "--device", "simt");
            Shell.Await(process, () => Directory.Exists(run) && Directory.GetFiles(run, "events.*").Length > 0);
            Thread.Sleep(TimeSpan.FromSeconds(seconds));
            Shell.Signal(process, "TERM");
            if (process.WaitForExit(1000)) continue;
            Shell.Signal(process, "TERM");
            Shell.Finish(process, AtOnce).Ended(143);
            return;
        }
        throw new CaseFailedException("a step was never under way.");
    }

    [Case("A signal while a data set is drawn leaves nothing of it")]
    public static void Drawing(Scene scene)
    {
        using Process process = Scene.Start("dataset", "make", "--output-dir", scene.At("data"), "--train", "100000", "--size", "512");
        Shell.Await(process, () => Directory.GetDirectories(scene.Folder, "data.*").Length > 0);
        Shell.Signal(process, "INT");
        Shell.Finish(process, AtOnce).Ended(130);
        CaseFailedException.Unless(Directory.GetFileSystemEntries(scene.Folder).Length == 0, "something is left.");
    }

    [Case("A run goes on without its standard output")]
    public static void Lost_output_of_a_run(Scene scene)
    {
        Outcome Run(string name, string script)
        {
            string run = scene.At(name);
            string[] command =
                ["supernet", "--imagenet-dir", Scene.Data, .. Scene.Network, "--epochs", "1", "--random-paths", "1", "--output-dir", run];
            Outcome outcome = Shell.Run(script, command).Ended(0);
            CaseFailedException.Unless(File.Exists(Path.Combine(run, "result.json")), $"{run} has no result.");
            return outcome;
        }

        Run("pipe", "spos \"$@\" | true; exit ${PIPESTATUS[0]}").Said("standard output", "Broken pipe", "goes on");
        Run("full", "spos \"$@\" >/dev/full").Said("standard output", "No space left on device", "goes on");
        Run("closed", "spos \"$@\" >&-").Said("standard output", "goes on");
        Run("both-closed", "spos \"$@\" >&- 2>&-");
        Run("both-full", "spos \"$@\" >/dev/full 2>/dev/full");
    }

    [Case("What is asked for on standard output and cannot be printed is an error, unless nobody reads it")]
    public static void Lost_output_of_a_report(Scene scene)
    {
        Shell.Run("spos sample --samples 10 | head -1; exit ${PIPESTATUS[0]}").Ended(0).SaidNothing();
        foreach (string verb in new[] { "sample --samples 10", "info", "--help", "--version" })
        {
            Shell.Run($"spos {verb} >/dev/full").Ended(1).Said("standard output", "No space left on device");
        }
        Shell.Run("spos sample --samples 0 2>/dev/full").Ended(2);
        Shell.Run("spos sample --samples 0 2>&-").Ended(2);
    }

    [Case("An epoch whose measurement was stopped is measured when the run goes on")]
    public static void Unfinished_measurement(Scene scene)
    {
        string run = scene.At("run"), metrics = Path.Combine(run, "metrics.jsonl");
        string[] command =
        [
            "scratch", "--imagenet-dir", Scene.Data, .. Scene.Network, "--architecture", "0 1 2 3 0",
            "--epochs", "2", "--ema-decay", "0.9", "--output-dir", run,
        ];
        Scene.Spos(command).Ended(0);
        string whole = File.ReadAllText(metrics);
        string[] lines = File.ReadAllLines(metrics);
        bool last = lines[^2].Contains("val_top1", StringComparison.Ordinal) && lines[^1].Contains("ema_top1", StringComparison.Ordinal);
        CaseFailedException.Unless(last, whole);
        File.WriteAllLines(metrics, lines[..^2]);
        Scene.Spos(command).Ended(0);
        CaseFailedException.Unless(File.ReadAllText(metrics) == whole, File.ReadAllText(metrics));
        Scene.Spos(command).Ended(0);
        CaseFailedException.Unless(File.ReadAllText(metrics) == whole, "it was measured twice.");
    }

    private static string[] Endless(string run) =>
        ["supernet", "--imagenet-dir", Scene.Data, .. Scene.Network, "--epochs", "100000", "--output-dir", run];

    private static string[] Checkpoints(string run) =>
        Directory.Exists(run) ? [.. Directory.GetFiles(run, "*.spos").Order(StringComparer.Ordinal)] : [];
}

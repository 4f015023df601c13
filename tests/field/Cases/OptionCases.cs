using System.Diagnostics;

namespace Spos.Field.Cases;

/// <summary>Options as people and scripts write them.</summary>
internal static class OptionCases
{
    [Case("An empty path is one line that names its option, whatever the verb")]
    public static void Empty_path(Scene scene)
    {
        Scene.Spos("supernet", "--output-dir", "").Ended(2).Said("--output-dir ''", "blank");
        Scene.Spos("search", "--config", "").Ended(2).Said("--config ''");
        Scene.Spos("scratch", "--tb-dir", "").Ended(2).Said("--tb-dir ''");
        Scene.Spos("eval", "--checkpoint", "").Ended(2).Said("--checkpoint ''");
        Scene.Spos("export", "--output", "").Ended(2).Said("--output ''");
        Scene.Spos("search-space", "--file", "").Ended(2).Said("--file ''");
    }

    [Case("What only looks like a number is refused, and the way to write it told")]
    public static void Numbers(Scene scene)
    {
        Scene.Spos("supernet", "--flops-lb", "nan").Ended(2).Said("--flops-lb nan: this is not a number");
        Scene.Spos("supernet", "--dropout", "0,5").Ended(2).Said("a point, not a comma");
        Scene.Spos("search", "--flops-limit", "330X").Ended(2).Said("330e6 or 330M");
        Scene.Spos("rank", "--params-lb", "1,5M").Ended(2).Said("a point, not a comma");
        Scene.Spos("sample", "--flops-lb", "290M", "--flops-ub", "0.36G", "--samples", "1e2").Ended(0).Printed("290M to 300M");
    }

    [Case("More than the engine can do is refused in terms of the options")]
    public static void Limits(Scene scene)
    {
        Scene.Spos("info", "--threads", "100000").Ended(2).Said("--threads 100000: 1 to 1024 are possible");
        Scene.Spos("supernet", "--stage-channels", "2,4,6,4200").Ended(2).Said("--stage-channels 2,4,6,4200");
        Scene.Spos("supernet", "--output-dir", "/proc/run").Ended(2).Said("--output-dir /proc/run");
        Scene.Spos("export", "--output", "/dev/null").Ended(2).Said("--output /dev/null");
    }

    [Case("Help comes wherever it is asked for, and mistyped names are recognised")]
    public static void Help(Scene scene)
    {
        Scene.Spos("help", "export").Ended(0).Printed("--keep-batch-norm");
        Scene.Spos("supernet", "--epochs", "3", "--help").Ended(0).Printed("--paths-per-step");
        Scene.Spos("bench").Ended(2).Said("step, loader, kernels, launches or plans");
        Scene.Spos("supernet", "--epocs", "3").Ended(2).Said("Did you mean --epochs?");
        Scene.Spos("serch").Ended(2).Said("Did you mean search?");
        Scene.Spos("search", "--spos-prep", "--checkpoint", scene.At("none")).Ended(1).Said("no supernet checkpoint");
    }

    [Case("A warm-up longer than the run and a learning rate for larger batches are pointed out")]
    public static void Hints(Scene scene)
    {
        string[] network = Scene.Network;
        int rate = Array.IndexOf(network, "--learning-rate");
        Outcome outcome = Scene.Spos([
            "supernet", "--imagenet-dir", Scene.Data, .. network[..rate], .. network[(rate + 2)..], "--epochs", "1",
            "--warmup-steps", "1000", "--random-paths", "1", "--output-dir", scene.At("run"),
        ]).Ended(0);
        outcome.Printed(
            "hint: --warmup-steps 1000", "hint: --learning-rate 0.5 is meant for a --batch-size of 768", "--learning-rate 0.0052");
    }

    [Case("Bytes that are not UTF-8 on the command line are told of")]
    public static void Bytes(Scene scene)
    {
        // Arguments of .NET's processes are texts, so a shell makes the bytes.
        var start = new ProcessStartInfo("sh") { RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(
            $"exec dotnet '{Path.Combine(AppContext.BaseDirectory, "spos.dll")}' supernet --imagenet-dir \"$(printf 'd\\377')\"");
        using Process process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        new Outcome("spos supernet --imagenet-dir BYTES", process.ExitCode, "", error).Ended(2).Said("not in UTF-8");
    }
}

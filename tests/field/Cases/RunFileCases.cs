namespace Spos.Field.Cases;

/// <summary>What lies in a run's folder in place of the files that runs write.</summary>
internal static class RunFileCases
{
    private static string[] Search =>
    [
        "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--train-batch-size", "8", "--test-batch-size", "8",
    ];

    [Case("A pipe or an endless file in place of a run's is told of at once, whoever reads it")]
    public static void Pipes(Scene scene)
    {
        string run = scene.At("run"), trained = scene.At("trained"), shape = Path.Combine(run, "architecture_final.json");
        string[] scratch = ["scratch", "--imagenet-dir", Scene.Data, "--architecture"];
        // The record itself: nobody knows whose folder it is then.
        foreach (string record in new[] { "mkfifo run.json", "truncate -s 1T run.json" })
        {
            Make(run, record);
            Scene.Spos([.. Search, "--output-dir", run]).Ended(2).Said("run.json cannot be read", "--output-dir");
            Scene.Spos([.. scratch, run, "--output-dir", trained]).Ended(2).Said("--architecture", "holds no search");
        }
        foreach (string file in new[] { "search.json", "search.previous.json", "result.json", ".lock" })
        {
            Make(run, $"mkfifo {file}", "search");
            Scene.Spos([.. Search, "--output-dir", run]).Ended(2).Said(file, "not a regular file", "--output-dir");
        }
        Make(run, "mkfifo architecture_final.json", "search");
        foreach (string text in new[] { run, shape })
        {
            Scene.Spos([.. scratch, text, "--image-size", "32", "--output-dir", trained]).Ended(2).Said("--architecture", text);
        }
        Make(run, "mkfifo metrics.jsonl", "supernet");
        Scene.Spos("supernet", "--imagenet-dir", Scene.Data, "--output-dir", run).Ended(2).Said("metrics.jsonl", "not a regular file");
        Make(run, "mkfifo rank.json", "rank");
        Scene.Spos("rank", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", run)
            .Ended(2).Said("rank.json", "not a regular file");
    }

    // A folder that belongs to a run, by its record, and what a script makes in it.
    private static void Make(string folder, string script, string? command = null)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        if (command != null) File.WriteAllText(Path.Combine(folder, "run.json"), $$"""{"command": "{{command}}", "options": { } }""");
        Shell.Run($"cd \"$1\" && {script}", folder).Ended(0);
    }
}

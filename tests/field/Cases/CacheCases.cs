namespace Spos.Field.Cases;

/// <summary>Caches of decoded pictures.</summary>
internal static class CacheCases
{
    [Case("A cache says its size, is made once, and changes no result; one of another size or data set is refused")]
    public static void Life_of_a_cache(Scene scene)
    {
        string cache = scene.At("new", "cache");
        Outcome without = Evaluate([]), first = Evaluate(["--cache", cache]), second = Evaluate(["--cache", cache, "--workers", "5"]);
        first.Printed("The cache of val in ", " more, of ", "that are free there", "cache of val  18/18", "The cache of train in ");
        CaseFailedException.Unless(!second.Output.Contains("cache", StringComparison.OrdinalIgnoreCase), second.Output);
        CaseFailedException.Unless(Results(first) == Results(without) && Results(second) == Results(without), second.Output);
        Scene.Spos(Command("--cache", cache, "--cache-size", "16")).Ended(1)
            .Said("val.index is of pictures at full size, not with a short side of 16");
        string data = scene.At("data");
        Scene.Copy(Scene.Data, data);
        File.Delete(Directory.GetFiles(Path.Combine(data, "val"), "*", SearchOption.AllDirectories)[0]);
        Scene.Spos([.. Command("--cache", cache).Select(word => word == Scene.Data ? data : word)]).Ended(1)
            .Said("val.index was made of other pictures", "had 6 pictures and has 5", "or remove ");
        using (FileStream pixels = File.OpenWrite(Path.Combine(cache, "val.pixels"))) pixels.SetLength(pixels.Length - 1);
        Scene.Spos(Command("--cache", cache)).Ended(1).Said("val.pixels has 55295 bytes, not 55296", "Remove ");
        Scene.Spos(Command("--cache", Path.Combine(Scene.Data, "val", "cache"))).Ended(2).Said("--cache ", "is in the data set");
    }

    [Case("A cache that cannot be written names its file, and is gone on with when there is room")]
    public static void Full_disk(Scene scene)
    {
        string cache = scene.At("cache");
        string[] command = Command("--cache", cache);
        Outcome full = Shell.Run($"{EngineCases.SmallFiles}spos \"$@\"", command).Ended(1);
        full.Said("val.pixels could not be written: File too large", "make room and run the same command again");
        CaseFailedException.Unless(Results(Evaluate(["--cache", cache])) == Results(Evaluate([])), "the results are others");
    }

    private static string[] Command(params string[] options) =>
    [
        "eval", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--architecture", "0 1 2 3 0", "--train-iters", "2",
        "--train-batch-size", "16", .. options,
    ];

    private static Outcome Evaluate(string[] options) => Scene.Spos(Command(options)).Ended(0).SaidNothing();

    private static string Results(Outcome outcome) => string.Join('\n', outcome.Output.Split('\n').Where(
        line => line.Contains("top-", StringComparison.Ordinal) || line.Contains("loss", StringComparison.Ordinal)));
}

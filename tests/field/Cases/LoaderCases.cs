namespace Spos.Field.Cases;

/// <summary>What decodes pictures.</summary>
internal static class LoaderCases
{
    [Case("--decoder nvjpeg without a GPU of NVIDIA's is an error that names the option and what to do, and leaves nothing behind")]
    public static void Decoder_without_a_gpu(Scene scene)
    {
        string run = scene.At("run");
        Scene.Spos(
            ["supernet", "--device", "host", "--decoder", "nvjpeg", "--imagenet-dir", Scene.Data, .. Scene.Network, "--output-dir", run])
            .Ended(1).Said("--decoder nvjpeg: nvJPEG decodes on an NVIDIA GPU only, not on 'host'", "--decoder spos");
        if (Directory.Exists(run)) throw new CaseFailedException($"{run} was made");
        Scene.Spos("supernet", "--decoder", "turbo").Ended(2).Said("--decoder turbo", "spos and nvjpeg are possible");
        Scene.Spos("info").Ended(0).Printed("nvJPEG");
    }

    [Case("bench loader says which folder it needs")]
    public static void Bench_without_pictures(Scene scene)
    {
        Scene.Spos("bench", "loader").Ended(2).Said("bench loader needs --images FOLDER");
        Scene.Spos("bench", "loader", "--images", scene.At("gone")).Ended(1)
            .Said($"--images {scene.At("gone")}: no such folder. One is needed that has a folder of JPEGs");
    }

    [Case("A run records its decoder")]
    public static void Decoder_is_recorded(Scene scene)
    {
        string record = File.ReadAllText(Path.Combine(Scene.Supernet, "run.json"));
        if (!record.Contains("\"decoder\": \"spos\"", StringComparison.Ordinal)) throw new CaseFailedException(record);
    }
}

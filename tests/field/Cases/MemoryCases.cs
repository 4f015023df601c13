namespace Spos.Field.Cases;

/// <summary>Batches that do not fit the memory.</summary>
internal static class MemoryCases
{
    [Case("A batch that is advised fits beside those that are read ahead, whatever did not fit before")]
    public static void Advice_for_many_pictures(Scene scene)
    {
        string data = scene.At("data");
        Scene.Spos("dataset", "make", "--output-dir", data, "--classes", "2", "--train", "1000", "--val", "4", "--size", "16").Ended(0);
        // The pictures of a batch alone do not fit; they do, and the network's work does not.
        foreach ((string limit, string batch) in new[] { ("6M", "2000"), ("24M", "500"), ("24M", "2000") })
        {
            string[] Command(string pictures) =>
            [
                "supernet", "--imagenet-dir", data, .. Scene.Network[..^6], "--learning-rate", "0.01", "--batch-size", pictures,
                "--epochs", "1", "--held-out", "0", "--random-paths", "1", "--output-dir", scene.At(limit + batch),
            ];
            Outcome full = Shell.Run($"SPOS_MEMORY_LIMIT={limit} spos \"$@\"", Command(batch)).Ended(1);
            string fits = full.Error.Split("should: --batch-size ")[1].Split('.')[0];
            Shell.Run($"SPOS_MEMORY_LIMIT={limit} spos \"$@\"", Command(fits)).Ended(0).Printed("Supernet trained");
        }
    }
    [Case("A batch whose pictures are drawn in parts is timed")]
    public static void Parts_of_a_batch(Scene scene) =>
        Scene.Spos("bench", "step", "--image-size", "32", "--batch-size", "65", "--runs", "1")
            .Ended(0).Printed("inference");
}

namespace Spos.Field.Cases;

/// <summary>Tables of latencies as people make them, and hand them on.</summary>
internal static class LatencyCases
{
    [Case("a table of a supernet's latencies predicts its paths, and other files are no such table")]
    public static void A_table_is_made_and_used(Scene scene)
    {
        string table = scene.At("latency.json");
        string[] few = ["--rounds", "10", "--runs", "1", "--validate", "2"];
        Scene.Spos(["latency", "measure", "--checkpoint", Scene.Supernet, .. few, "--output", table])
            .Ended(0).Printed("mean relative error", table);
        Scene.Spos("summary", "--checkpoint", Scene.Supernet, "--latency-table", table, "--architecture", "0 1 2 3 0")
            .Ended(0).Printed("ms: batches of 1 in fp32");

        // Of another network, cut short by a full disk, another file of a run's, and what has no end.
        Scene.Spos("summary", "--latency-table", table).Ended(1).Said(table, "measured with image_size 32; the network has 224");
        string cut = scene.At("cut.json"), text = File.ReadAllText(table);
        File.WriteAllText(cut, text[..(text.Length / 2)]);
        Scene.Spos("summary", "--latency-table", cut).Ended(1).Said(cut, "is no table of latencies: it is not JSON");
        string record = Path.Combine(Scene.Supernet, "run.json");
        Scene.Spos("summary", "--latency-table", record).Ended(1).Said(record, "is no table of latencies");
        Scene.Spos("summary", "--latency-table", "/dev/zero").Ended(2).Said("--latency-table /dev/zero");
    }

    [Case("latency measure does not write over what is no table of latencies")]
    public static void Other_files_stay(Scene scene)
    {
        string notes = scene.At("notes.txt");
        File.WriteAllText(notes, "mine");
        Scene.Spos("latency", "measure", "--checkpoint", Scene.Supernet, "--output", notes).Ended(2).Said("--output", notes);
        if (File.ReadAllText(notes) != "mine") throw new CaseFailedException(File.ReadAllText(notes));
        Scene.Spos("latency").Ended(2).Said("measure");
    }
}

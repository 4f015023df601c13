using System.Text.Json;

namespace Spos.Field.Cases;

/// <summary>
/// What people bring from megvii's code (megvii-model/SinglePathOneShot 36eed6c) and from NNI 1.9, 2 and 3: fixtures/nni_files.json and
/// fixtures/op_flops_dict.pkl, whose scripts name the code that writes and reads each.
/// </summary>
internal static class NniCases
{
    private static string Table => Path.Combine(Scene.Fixtures, "op_flops_dict.pkl");

    private static JsonElement Files => JsonDocument.Parse(File.ReadAllText(Path.Combine(Scene.Fixtures, "nni_files.json"))).RootElement;

    [Case("megvii's FLOPs table equals what is computed, and its released network has 322,918,720 FLOPs")]
    public static void Import_reads_the_table(Scene scene)
    {
        Outcome outcome = Scene.Spos("import", "--flops-table", Table).Ended(0);
        string[] lines = outcome.Output.Split('\n', StringSplitOptions.TrimEntries);
        string[] released = [.. lines.Where(line => line.StartsWith("released, ", StringComparison.Ordinal))];
        if (released.Length != 2 || released.Any(line => !line.EndsWith(" 322918720", StringComparison.Ordinal)))
        {
            throw new CaseFailedException(outcome.Output);
        }
        // The table's rows: the stem and the rest, and 20 blocks of 4 operations. The last column is the difference.
        string[] rows =
        [
            .. lines.Where(
                line => line.StartsWith("block ", StringComparison.Ordinal) || line.StartsWith("stem", StringComparison.Ordinal)),
        ];
        string? differs = rows.FirstOrDefault(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1] != "0");
        if (rows.Length != 81 || differs != null) throw new CaseFailedException($"{rows.Length} rows; {differs}\n{outcome.Output}");
    }

    [Case("sample counts paths by megvii's FLOPs table as by its own count")]
    public static void Sample_reads_the_table(Scene scene)
    {
        string own = Scene.Spos("sample", "--samples", "100").Ended(0).Output,
            theirs = Scene.Spos("sample", "--samples", "100", "--flops-table", Table).Ended(0).Output;
        if (own != theirs) throw new CaseFailedException($"{own}\n{theirs}");
    }

    [Case("search and rank read a FLOPs table in megvii's layout")]
    public static void Search_and_rank_read_a_table(Scene scene)
    {
        // Not what is computed, so that the table's costs are told from it: one operation more costs a million more.
        string table = scene.At("table.pkl");
        File.WriteAllText(table, SmallTable((choice, _) => (choice + 1) * 1_000_000));
        string[] few = ["--train-iters", "1", "--train-batch-size", "8", "--flops-table", table];
        Outcome search = Scene.Spos([
            "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, .. few, "--max-epochs", "1", "--num-population", "4",
            "--num-select", "2", "--num-crossover", "0", "--num-mutation", "0",
            "--flops-limit", "8000000", "--output-dir", scene.At("search")]).Ended(0);
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(scene.At("search", "result.json")));
        long cost = result.RootElement.GetProperty("architecture").EnumerateArray().Sum(choice => (choice.GetInt64() + 1) * 1_000_000);
        if (result.RootElement.GetProperty("flops").GetInt64() != cost || cost > 8_000_000) throw new CaseFailedException(search.Output);
        Scene.Spos([
            "rank", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, .. few, "--num-architectures", "3", "--epochs", "1",
            "--recalibrations", "1", "--batch-size", "8",
            "--output-dir", scene.At("rank")]).Ended(0);

        // By five numbers, without the middle channels, nobody's table is.
        File.WriteAllText(table, SmallTable((_, _) => 1, middle: false));
        Scene.Spos(["search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, .. few, "--output-dir", scene.At("none")])
            .Ended(1)
            .Said("table.pkl", "no shufflenet_3x3_stride_2 of (8, 16, 8, 16, 16, 2)");
    }

    [Case("eval --architecture takes a pickled tuple and every export of NNI 1, 2 and 3 as the same path")]
    public static void Architectures_of_all_kinds(Scene scene)
    {
        string Measure(string architecture) => Scene.Spos(
            "eval", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--train-iters", "1", "--train-batch-size", "8",
            "--architecture", architecture).Ended(0).Output;
        string by_list = Measure("2 1 0 1 2"), pickle = scene.At("arch.pkl"), export = scene.At("export.json");
        // The first five blocks, for the supernet here has five.
        File.WriteAllText(pickle, "(I2\nI1\nI0\nI1\nI2\ntp0\n.");
        File.WriteAllText(
            export,
            """
            {"model/LayerChoice1": 2, "model/LayerChoice2": "1", "model/LayerChoice3": {"_value": "0", "_idx": 0},
            "model/LayerChoice4": [false, true, false, false], "model/LayerChoice5": 2}
            """);
        foreach (string other in new[] { "(2, 1, 0, 1, 2)", "[2, 1, 0, 1, 2]", pickle, export })
        {
            string measured = Measure(other);
            if (measured != by_list) throw new CaseFailedException($"{other}:\n{measured}\n{by_list}");
        }
        Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--architecture", "2 1 0")
            .Ended(2).Said("--architecture 2 1 0", "3 blocks; the network has 5");
    }

    [Case("scratch takes megvii's arch.pkl and NNI's files, and says what is wrong with others")]
    public static void Scratch_reads_them(Scene scene)
    {
        JsonElement files = Files;
        string file = scene.At("architecture");
        // That there is no data set is found after the architecture has been read.
        string[] scratch = ["scratch", "--imagenet-dir", scene.At("nowhere"), "--output-dir", scene.At("run"), "--architecture"];
        foreach (string name in new[] { "arch.pkl, tuple, protocol 0", "arch.pkl, tuple, protocol 3", "arch.pkl, tuple, protocol 5" })
        {
            File.WriteAllBytes(file, files.GetProperty("pickles").GetProperty(name).GetBytesFromBase64());
            Scene.Spos([.. scratch, file]).Ended(1).Said("nowhere");
        }
        foreach (string name in new[]
        {
            "1.9 tuner, checkpoints/EEE_III.json", "1.9 trial, parameter.cfg", "2.10 example", "3.0 labels of a scope",
        })
        {
            File.WriteAllText(file, files.GetProperty("architectures").GetProperty(name).GetString());
            Scene.Spos([.. scratch, file]).Ended(1).Said("nowhere");
        }
        File.WriteAllText(file, """{"LayerChoice1": [true, true, false, false]}""");
        Scene.Spos([.. scratch, file]).Ended(2).Said("--architecture", file, "LayerChoice1 chooses 2 operations, not one");
        File.WriteAllText(file, "cos\nsystem\n(S'touch here'\ntR.");
        Scene.Spos([.. scratch, file]).Ended(2).Said(file, "os.system");
        Scene.Spos([.. scratch, "/dev/zero"]).Ended(2).Said("/dev/zero", "not a regular file");
        Scene.Spos([.. scratch, scene.Folder]).Ended(2).Said("holds no search");
    }

    [Case("search-space writes the bytes that NNI 1.9 writes")]
    public static void Search_space_is_NNI_s(Scene scene)
    {
        string file = scene.At("nni_auto_gen_search_space.json"), theirs = Files.GetProperty("search_space").GetString()!;
        Scene.Spos("search-space", "--file", file).Ended(0);
        if (File.ReadAllText(file).TrimEnd() != theirs) throw new CaseFailedException(File.ReadAllText(file));
    }

    // A table of Scene.Network's blocks as a pickle of protocol 0.
    private static string SmallTable(Func<int, int, long> cost, bool middle = true)
    {
        string[] names = ["shufflenet_3x3", "shufflenet_5x5", "shufflenet_7x7", "xception_3x3"];
        (int Input, int Output, int Size, int Stride)[] blocks =
            [(8, 16, 16, 2), (16, 24, 8, 2), (24, 32, 4, 2), (32, 32, 2, 1), (32, 48, 2, 2)];
        string Key(params int[] shape) => $"({string.Concat(shape.Select(n => $"I{n}\n"))}t";
        string Entry(string operation, IEnumerable<(string Key, long Cost)> costs) =>
            $"S'{operation}'\n(d{string.Concat(costs.Select(c => $"{c.Key}I{c.Cost}\ns"))}s";
        IEnumerable<string> operations =
            from choice in Enumerable.Range(0, names.Length)
            from stride in new[] { 1, 2 }
            select Entry($"{names[choice]}_stride_{stride}", blocks.Where(b => b.Stride == stride).Select((b, i) =>
                (middle ? Key(b.Input, b.Output, b.Output / 2, b.Size, b.Size, stride) : Key(b.Input, b.Output, b.Size, b.Size, stride),
                    cost(choice, i))));
        return $"(d{Entry("conv1", [(Key(3, 8, 32, 32, 2), 0)])}"
            + $"{Entry("rest_operation", [(Key(48, 3, 1, 1, 1), 0)])}{string.Concat(operations)}.";
    }
}

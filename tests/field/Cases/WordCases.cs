using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Spos.Field.Cases;

/// <summary>
/// What files say of themselves that is not so, and what the program says of it: in its own words, and with advice that helps.
/// </summary>
internal static class WordCases
{
    // What .NET's own messages have.
    private static readonly string[] Foreign =
    [
        "input string", "LineNumber", "BytePosition", "Path: $", "The given key", "beyond the end of the stream", "deserialize",
        "correct format", "requested operation", "could not be converted", "invalid format", "Parameter '", "System.", "Exception",
    ];

    [Case("An export that contradicts its tensors or the options says so; pictures that nobody here feeds are refused")]
    public static void Contradictions(Scene scene)
    {
        string run = scene.At("run"), whole = scene.At("whole.safetensors");
        string[] train =
        [
            "scratch", "--imagenet-dir", Scene.Data, .. Scene.Network, "--architecture", "0 1 2 3 0", "--epochs", "1", "--output-dir", run,
        ];
        Scene.Spos(train).Ended(0);
        Scene.Spos("export", "--checkpoint", run, "--format", "safetensors", "--output", whole).Ended(0);
        Outcome Import(string name, string value, params string[] more)
        {
            string file = scene.At("changed.safetensors");
            Rewrite(whole, file, metadata => metadata[name] = value);
            return Scene.Spos(["import", "--checkpoint", file, "--restart", "--output-dir", scene.At("imported"), .. more]);
        }

        Import("dropout", "0.5").Ended(0).SaidNothing();
        Import("class_names", """["cat","dog"]""").Ended(0).Said("names 2 classes; its network has 3", "left out");
        Import("architecture", "[0,1,2,3,1]").Ended(0).Said("its architecture is 0 1 2 3 1; its tensors are of 0 1 2 3 0");
        Import("architecture", "[0,1]").Ended(0).Said("its architecture is 0 1; its tensors are of 0 1 2 3 0");
        Import("flops", "5").Ended(0).Said("5 FLOPs");
        Import("image_size", "32", "--image-size", "64").Ended(0).Said("32×32", "--image-size 64 is used");
        Import("preprocessing", "standard", "--spos-preprocessing").Ended(0).Said("standard preprocessing", "--spos-preprocessing is used");
        Import("image_size", "100").Ended(1).Said("image_size is '100', not a multiple of 32 up to 2048");
        foreach ((string name, string value) in new[]
        {
            ("mean", "[0.5, 0.5, 0.5]"), ("std", "[1, 1, 1]"), ("channel_order", "BGR"), ("value_range", "[0, 255]"),
        })
        {
            Import(name, value).Ended(1).Said($"{name} is {value}, not", "--standard-preprocessing", "--spos-preprocessing");
            Import(name, value, "--standard-preprocessing").Ended(0)
                .Said($"{name} is {value}, not", "--standard-preprocessing is used").Printed("standard");
        }
        Scene.Spos("import", "--checkpoint", whole, "--standard-preprocessing", "--spos-preprocessing")
            .Ended(2).Said("cannot be had together");
    }

    [Case("Another file's import is replaced only when asked to; the same file's is, whatever its name")]
    public static void Import_again(Scene scene)
    {
        string folder = scene.At("imported"), first = scene.At("first.pth"), renamed = scene.At("renamed.pth");
        File.Copy(Path.Combine(Scene.Fixtures, "torch_single_zip.pth"), first);
        File.Copy(first, renamed);
        Outcome Import(string file, params string[] more) =>
            Scene.Spos(["import", "--checkpoint", file, "--image-size", "32", "--output-dir", folder, .. more]);
        string[] Checkpoints() => [.. Directory.GetFiles(folder, "*.spos").Select(f => Convert.ToHexString(File.ReadAllBytes(f)))];
        Import(first).Ended(0);
        string[] before = Checkpoints();
        Import(renamed).Ended(0).Printed("Replacing what was imported from the same file");
        CaseFailedException.Unless(before.SequenceEqual(Checkpoints()), "the same file came to other bytes.");

        string other = Path.Combine(Scene.Fixtures, "torch_supernet_legacy.pth.tar");
        Import(other).Ended(2).Said(folder, $"imported from {renamed}", $"--checkpoint {other}", "--output-dir", "--restart");
        CaseFailedException.Unless(before.SequenceEqual(Checkpoints()), "it was replaced.");
        // A file that was written anew is another one too.
        Rewrite(renamed);
        Import(renamed).Ended(2).Said("another file", "--restart");
        Import(other, "--restart").Ended(0).Printed("Removing an imported network", "supernet");
        CaseFailedException.Unless(!before.SequenceEqual(Checkpoints()), "it was not replaced.");
        // Whose import an earlier version left is not known.
        JsonNode record = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "run.json")))!;
        record.AsObject().Remove("source_sha256");
        File.WriteAllText(Path.Combine(folder, "run.json"), record.ToJsonString());
        Import(other).Ended(2).Said("--restart");
    }

    [Case("Damaged files are told of in our words, by file and place")]
    public static void Own_words(Scene scene)
    {
        string pth = scene.At("x.safetensors"), checkpoint = scene.At("cut.spos"), json = scene.At("a.json"), zip = scene.At("x.pth");
        byte[] header = """{"a":{"dtype":"F32","shape":["1e99"],"data_offsets":[0,4]}}"""u8.ToArray();
        File.WriteAllBytes(pth, [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 0, 0, 0]);
        Ours(Scene.Spos("import", "--checkpoint", pth).Ended(1).Said(pth, "shape of a"));
        byte[] whole = File.ReadAllBytes(Directory.GetFiles(Scene.Supernet, "*.spos")[0]);
        foreach ((int length, string says) in new[] { (10, "cut short"), (200, "cut short"), (whole.Length - 100, "") })
        {
            File.WriteAllBytes(checkpoint, whole[..length]);
            Ours(Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", checkpoint, "--architecture", "0 1 2 3 0")
                .Ended(1).Said(checkpoint, says));
        }
        // The header's first bytes, which say how it is packed.
        byte[] changed = [.. whole];
        changed.AsSpan(16, 8).Fill(0xc1);
        File.WriteAllBytes(checkpoint, changed);
        Ours(Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", checkpoint, "--architecture", "0 1 2 3 0").Ended(1).Said(
            checkpoint, "its header is damaged"));
        foreach ((string text, string says) in new[]
        {
            ("{\"LayerChoice1\": ,}", "line 1, column 18"), ("{\n \"LayerChoice1\": [tru", "line 2"), ("{\"\\ud800\": 1}", "Unicode"),
        })
        {
            File.WriteAllText(json, text);
            Ours(Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--architecture", json)
                .Ended(2).Said(json, says));
            Ours(Scene.Spos(
                "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--search-space", json,
                "--output-dir", scene.At("s")).Ended(2).Said(json, says));
        }
    }

    [Case("Figures that no run leaves stop a search with the file and the field, and nothing is touched")]
    public static void Impossible_figures(Scene scene)
    {
        string folder = scene.At("search"), file = Path.Combine(folder, "search.json");
        string[] command =
        [
            "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", folder, "--max-epochs", "1",
            "--num-population", "4", "--num-select", "2", "--num-crossover", "1", "--num-mutation", "1", "--train-iters", "1",
            "--train-batch-size", "8",
        ];
        Scene.Spos(command).Ended(0);
        // What its configuration says, the command line takes in these words.
        CaseFailedException.Unless(
            File.ReadAllText(Path.Combine(folder, "config_search.yml")).Contains("--plan fused", StringComparison.Ordinal),
            "--plan is not in lower case.");
        JsonNode state = JsonNode.Parse(File.ReadAllText(file))!;
        state["Scores"]![2]!["Top1"] = 1.25;
        File.WriteAllText(file, state.ToJsonString());
        string before = File.ReadAllText(file);
        Scene.Spos(command).Ended(1).Said(file, "Scores[2].Top1 is 1.25, not a number from 0 to 1", "--restart");
        CaseFailedException.Unless(File.ReadAllText(file) == before, "it was touched.");
        Scene.Spos([.. command, "--restart"]).Ended(0);
    }

    [Case("Variables are read as options are: in capitals or not, as if unset when empty, and refused by name")]
    public static void Variables(Scene scene)
    {
        foreach (string unset in new[]
        {
            "SPOS_CPU=", "SPOS_DEVICE=", "SPOS_THREADS=", "SPOS_MEMORY_LIMIT=", "SPOS_NO_BF16=", "SPOS_NO_BF16=1",
            "SPOS_CPU=AVX2", "SPOS_DEVICE=Host",
        })
        {
            Shell.Run($"{unset} spos info").Ended(0).SaidNothing();
        }
        Shell.Run("SPOS_CPU=foo spos info").Ended(2).Said("SPOS_CPU=foo: avx512, avx2 and x86-64 are possible.");
        Shell.Run("SPOS_DEVICE=foo spos info").Ended(2).Said("SPOS_DEVICE=foo: auto, cuda, host, simt are possible, and a number");
        Shell.Run("SPOS_NO_BF16=yes spos info").Ended(2).Said("SPOS_NO_BF16=yes: 0 and 1 are possible.");
        Shell.Run("SPOS_THREADS=0 spos info").Ended(2).Said("SPOS_THREADS=0: 1 to 1024 are possible.");
        // Kernels that are not there.
        string folder = Environment.GetEnvironmentVariable("SPOS_NATIVE_DIR") ?? Path.Combine(Shell.Checkout, "build", "native", "lib");
        Shell.Run("cp \"$1\"/libspos_host.so \"$2\"; SPOS_NATIVE_DIR=$2 SPOS_CPU=avx2 spos info", folder, scene.Folder)
            .Ended(2).Said("SPOS_CPU=avx2: ", "Leave the variable out");
    }

    [Case("A batch that is advised can be trained and measured to the end, and what could not be measured is not lost")]
    public static void Memory_of_measuring(Scene scene)
    {
        string data = scene.At("data"), run = scene.At("run");
        Scene.Spos("dataset", "make", "--output-dir", data, "--classes", "3", "--train", "16", "--val", "200", "--size", "32").Ended(0);
        string[] Train(string batch, params string[] more) =>
        [
            "scratch", "--imagenet-dir", data, .. Scene.Network[..^6], "--batch-size", batch, "--learning-rate", "0.1",
            "--architecture", "0 1 2 3 0", "--epochs", "2", "--output-dir", run, .. more,
        ];
        const string limited = "SPOS_MEMORY_LIMIT=2M spos \"$@\"";
        Outcome full = Shell.Run(limited, Train("48")).Ended(1).Said("--batch-size ");
        string fits = full.Error.Split("should: --batch-size ")[1].Split('.')[0];
        Outcome large = Shell.Run(limited, Train(fits, "--test-batch-size", "512"))
            .Ended(1).Said("run the same command again with a smaller --test-batch-size");
        CaseFailedException.Unless(!large.Error.Contains("--restart", StringComparison.Ordinal), large.Error);
        Shell.Run(limited, Train(fits)).Ended(0).Printed("Going on from", "Trained from scratch");
    }

    [Case("A ranking that diverges advises no option that it does not have")]
    public static void Diverging_ranking(Scene scene)
    {
        Outcome outcome = Scene.Spos(
            "rank", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", scene.At("rank"),
            "--num-architectures", "3", "--recalibrations", "1", "--train-iters", "1", "--train-batch-size", "8", "--batch-size", "8",
            "--learning-rate", "50", "--weight-decay", "0.9", "--epochs", "30", "--save-frequency", "1").Ended(1);
        outcome.Said("training diverges", "The last checkpoint, ", "--restart");
        CaseFailedException.Unless(!outcome.Error.Contains("--load-checkpoint", StringComparison.Ordinal), outcome.Error);
    }

    [Case("Drawing that is interrupted leaves nothing, whenever and by whatever signal")]
    public static void Interrupted_drawing(Scene scene)
    {
        string data = scene.At("made", "for", "data");
        foreach (string signal in new[] { "INT", "TERM", "HUP", "USR1" })
        {
            // Before anything is there, as soon as something is, and when it would take long to remove.
            foreach (int pictures in signal == "TERM" ? new[] { 0, 1, 500, 4000 } : [1])
            {
                using Process process = Scene.Start(
                    "dataset", "make", "--output-dir", data, "--train", "1000000", "--size", "16", "--classes", "2");
                if (pictures > 0) Shell.Await(process, () => Drawn(scene) >= pictures);
                else Thread.Sleep(30);
                Shell.Signal(process, signal);
                Outcome outcome = Shell.Finish(process, TimeSpan.FromSeconds(60));
                if (pictures > 0) outcome.Ended(130).Said("what was drawn is being removed").Printed("Stopped. Nothing is left of");
                CaseFailedException.Unless(
                    Directory.GetFileSystemEntries(scene.Folder).Length == 0,
                    $"{signal} after {pictures} pictures leaves something.\n{outcome.Output}{outcome.Error}");
            }
        }
    }

    private static int Drawn(Scene scene)
    {
        try
        {
            return Directory.GetFiles(scene.Folder, "*.jpg", SearchOption.AllDirectories).Length;
        }
        catch (DirectoryNotFoundException)
        {
            return 0;
        }
    }

    private static void Ours(Outcome outcome)
    {
        string? word = Foreign.FirstOrDefault(w => outcome.Error.Contains(w, StringComparison.Ordinal));
        CaseFailedException.Unless(word == null, $"{outcome.Command} says '{word}':\n{outcome.Error}");
    }

    // Changes the metadata of a safetensors file.
    private static void Rewrite(string from, string to, Action<JsonNode> change)
    {
        byte[] bytes = File.ReadAllBytes(from);
        int length = (int)BitConverter.ToInt64(bytes);
        JsonNode header = JsonNode.Parse(Encoding.UTF8.GetString(bytes, 8, length))!;
        change(header["__metadata__"]!);
        byte[] changed = JsonSerializer.SerializeToUtf8Bytes(header);
        File.WriteAllBytes(to, [.. BitConverter.GetBytes((long)changed.Length), .. changed, .. bytes[(8 + length)..]]);
    }

    // Writes the same zip archive anew, with a comment at its end.
    private static void Rewrite(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^2] = 1;
        File.WriteAllBytes(file, [.. bytes, (byte)'x']);
    }
}

using System.Diagnostics;
using System.Text.Json;

namespace Spos.Field.Cases;

/// <summary>Folders of runs, data sets that change between runs, and networks that are handed from one verb to the next.</summary>
internal static class RunCases
{
    private static readonly string[] SmallSearch =
    [
        "--max-epochs", "1", "--num-population", "6", "--num-select", "2", "--num-crossover", "2", "--num-mutation", "2",
        "--train-iters", "1", "--train-batch-size", "8",
    ];

    [Case("A search into the supernet's folder is refused, and every byte there stays")]
    public static void Search_into_supernet(Scene scene)
    {
        string folder = scene.At("experiment");
        Scene.Copy(Scene.Supernet, folder);
        Dictionary<string, byte[]> before = Contents(folder);
        foreach (string[] more in new[] { [], new[] { "--restart" } })
        {
            Scene.Spos(["search", "--imagenet-dir", Scene.Data, "--checkpoint", folder, "--output-dir", folder, .. SmallSearch, .. more])
                .Ended(2).Said("a supernet run", "--output-dir", Path.Combine(folder, "search"));
        }
        Kept(before, folder);
        // The folder that is proposed will do.
        Scene.Spos([
            "search", "--imagenet-dir", Scene.Data, "--checkpoint", folder, "--output-dir", Path.Combine(folder, "search"), .. SmallSearch,
        ]).Ended(0);
        Kept(before, folder);
    }

    [Case("A network is not imported into a run's folder; an earlier import is replaced, and it is said")]
    public static void Import_into_run(Scene scene)
    {
        string folder = scene.At("run"), imported = scene.At("imported");
        Scene.Copy(Scene.Supernet, folder);
        Dictionary<string, byte[]> before = Contents(folder);
        Import(folder).Ended(2).Said("a supernet run", "--output-dir");
        Kept(before, folder);
        Import(imported).Ended(0);
        Import(imported).Ended(0).Printed("Replacing");
        Scene.Spos(["supernet", "--imagenet-dir", Scene.Data, .. Scene.Network, "--epochs", "1", "--output-dir", imported])
            .Ended(2).Said("an imported network");
    }

    [Case("A folder with other people's files is written into beside them, and its files are never taken for a run's")]
    public static void Foreign_folder(Scene scene)
    {
        File.WriteAllText(scene.At("notes.txt"), "mine");
        File.WriteAllText(scene.At("metrics.jsonl"), "mine too");
        string[] train =
        [
            "scratch", "--imagenet-dir", Scene.Data, .. Scene.Network, "--architecture", "0 1 2 3 0", "--epochs", "1",
            "--output-dir", scene.Folder,
        ];
        Scene.Spos([.. train, "--restart"]).Ended(2).Said("metrics.jsonl");
        CaseFailedException.Unless(Directory.GetFileSystemEntries(scene.Folder).Length == 2, "something was written.");
        File.Delete(scene.At("metrics.jsonl"));
        Scene.Spos(train).Ended(0);
        Scene.Spos([.. train, "--restart"]).Ended(0).Printed("Removing a scratch run");
        CaseFailedException.Unless(File.ReadAllText(scene.At("notes.txt")) == "mine", "notes.txt is gone.");
    }

    [Case("An export is not written over a checkpoint or a record")]
    public static void Export_onto_checkpoint(Scene scene)
    {
        string folder = scene.At("run");
        Scene.Copy(Scene.Supernet, folder);
        Dictionary<string, byte[]> before = Contents(folder);
        foreach (string file in new[] { Directory.GetFiles(folder, "*.spos")[0], Path.Combine(folder, "run.json") })
        {
            Scene.Spos("export", "--checkpoint", folder, "--output", file).Ended(2).Said(file, "--output");
        }
        Kept(before, folder);
        // The same kind is replaced.
        foreach (string format in new[] { "pth", "safetensors", "pth", "safetensors" })
        {
            Scene.Spos("export", "--checkpoint", folder, "--format", format).Ended(0);
        }
    }

    [Case("A folder of another verb is named as such")]
    public static void Other_verbs_folder(Scene scene)
    {
        string search = scene.At("search");
        Scene.Spos(["search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", search, .. SmallSearch])
            .Ended(0);
        Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", search).Ended(1).Said("a search run");
        Scene.Spos("scratch", "--imagenet-dir", Scene.Data, "--architecture", Scene.Supernet, "--output-dir", scene.At("s"))
            .Ended(2).Said("a supernet run");
        Scene.Spos("supernet", "--imagenet-dir", Scene.Data, "--tb-dir", search, "--output-dir", scene.At("s"))
            .Ended(2).Said("--tb-dir", "a search run");
    }

    [Case("A class renamed or a picture added between two parts of a training is named; another path is all right")]
    public static void Data_changes(Scene scene)
    {
        string data = scene.At("data"), moved = scene.At("moved"), run = scene.At("run");
        Scene.Copy(Scene.Data, data);
        Scene.Copy(Scene.Supernet, run);
        Scene.Copy(Scene.Data, moved);
        Train(moved, run).Ended(0).Printed("Going on");
        string[] classes =
            [.. Directory.GetDirectories(Path.Combine(data, "train")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];
        string renamed = classes[0], to = "zebra";
        foreach (string split in new[] { "train", "val" })
        {
            Directory.Move(Path.Combine(data, split, renamed), Path.Combine(data, split, to));
        }
        Train(data, run).Ended(2).Said(renamed, to, "--accept-changed-data", "--restart");
        Train(data, run, "--accept-changed-data").Ended(0).Printed("Going on", renamed, to);
        foreach (string split in new[] { "train", "val" })
        {
            Directory.Move(Path.Combine(data, split, to), Path.Combine(data, split, renamed));
        }

        string[] pictures = Directory.GetFiles(Path.Combine(data, "train", classes[1]));
        File.Copy(pictures[0], Path.Combine(data, "train", classes[1], "one-more.jpg"));
        Train(data, run).Ended(2).Said(classes[1], "16", "17");
        File.Delete(Path.Combine(data, "train", classes[1], "one-more.jpg"));
        // As many pictures as before, exchanged.
        string other = Directory.GetFiles(Path.Combine(data, "train", classes[2]))[0];
        File.Copy(other, pictures[0], overwrite: true);
        Train(data, run).Ended(2).Said(classes[1]);
    }

    [Case("A search goes on with the data set and supernet at other paths, and not with other pictures")]
    public static void Search_goes_on(Scene scene)
    {
        string data = scene.At("data"), supernet = scene.At("supernet"), search = scene.At("search");
        string[] Search(string from, string of, params string[] more) =>
            ["search", "--imagenet-dir", from, "--checkpoint", of, "--output-dir", search, .. SmallSearch, .. more];
        Scene.Spos(Search(Scene.Data, Scene.Supernet)).Ended(0);
        Scene.Copy(Scene.Data, data);
        Scene.Copy(Scene.Supernet, supernet);
        Scene.Spos(Search(data, supernet)).Ended(0).Printed("6 are known already");
        string picture = Directory.GetFiles(Path.Combine(data, "train"), "*.jpg", SearchOption.AllDirectories)[0];
        File.Delete(picture);
        Scene.Spos(Search(data, supernet)).Ended(2).Printed(Path.GetFileName(Path.GetDirectoryName(picture)!), "--accept-changed-data");
        Scene.Spos(Search(data, supernet, "--accept-changed-data")).Ended(0).Printed("6 are known already");
    }

    [Case("A network is not evaluated or searched on classes of other names")]
    public static void Other_classes(Scene scene)
    {
        string data = scene.At("data");
        Scene.Copy(Scene.Data, data);
        string[] classes =
            [.. Directory.GetDirectories(Path.Combine(data, "val")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];
        foreach (string split in new[] { "train", "val" })
        {
            Directory.Move(Path.Combine(data, split, classes[0]), Path.Combine(data, split, "zebra"));
        }
        string[] eval =
        [
            "eval", "--imagenet-dir", data, "--checkpoint", Scene.Supernet, "--architecture", "0 1 2 3 0", "--train-iters", "1",
            "--train-batch-size", "8",
        ];
        Scene.Spos(eval).Ended(1).Said($"label 0 was '{classes[0]}' and is '{classes[1]}'", "--accept-changed-data");
        Scene.Spos([.. eval, "--accept-changed-data"]).Ended(0).Printed("top-1 on val");
        Scene.Spos(["search", "--imagenet-dir", data, "--checkpoint", Scene.Supernet, "--output-dir", scene.At("search"), .. SmallSearch])
            .Ended(1).Said("zebra");
        CaseFailedException.Unless(!Directory.Exists(scene.At("search")), "a folder was made.");
        Scene.Spos([
            "supernet", "--imagenet-dir", data, "--load-checkpoint", Scene.Supernet, "--output-dir", scene.At("s"), .. Scene.Network,
        ]).Ended(1).Said("zebra");
    }

    [Case("A search's winner is trained at the searched network's sizes, with none of them repeated")]
    public static void Scratch_knows_its_search(Scene scene)
    {
        string search = scene.At("search"), alone = scene.At("alone.json");
        string[] recipe = ["--epochs", "1", "--batch-size", "8", "--learning-rate", "0.1"];
        Scene.Spos([
            "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", search,
            "--spos-preprocessing", .. SmallSearch,
        ]).Ended(0);
        foreach ((int number, string given) in new[]
        {
            search, Path.Combine(search, "architecture_final.json"), Path.Combine(search, "checkpoints", "001_000.json"),
        }.Index())
        {
            Scene.Spos(["scratch", "--imagenet-dir", Scene.Data, "--architecture", given, "--output-dir", scene.At($"{number}"), .. recipe])
                .Ended(0).Printed("32×32", "stages 1-1-2-1 of 16-24-32-48", search);
            using JsonDocument record = JsonDocument.Parse(File.ReadAllText(scene.At($"{number}", "run.json")));
            CaseFailedException.Unless(
                record.RootElement.GetProperty("network").GetProperty("preprocessing").GetString() == "Spos",
                "preprocessing is not the search's.");
        }
        Scene.Spos([
            "scratch", "--imagenet-dir", Scene.Data, "--architecture", search, "--last-channels", "64", "--output-dir", scene.At("wide"),
            .. recipe,
        ]).Ended(2).Said("--last-channels 64", "32");
        Scene.Spos([
            "scratch", "--imagenet-dir", Scene.Data, "--architecture", search, "--image-size", "64", "--output-dir", scene.At("large"),
            .. recipe,
        ]).Ended(0).Printed("--image-size 64 is used");
        // A file by itself tells no sizes: options do.
        File.Copy(Path.Combine(search, "architecture_final.json"), alone);
        Scene.Spos("scratch", "--imagenet-dir", Scene.Data, "--architecture", alone, "--output-dir", scene.At("alone"))
            .Ended(2).Said("5 blocks", "20");
    }

    [Case("Inherited and imported networks are fine-tuned, for other classes too")]
    public static void Fine_tuning(Scene scene)
    {
        string inherited = scene.At("inherited"), imported = scene.At("imported");
        string[] recipe = ["--epochs", "1", "--batch-size", "8", "--learning-rate", "0.0000001"];
        Scene.Spos([
            "scratch", "--imagenet-dir", Scene.Data, "--load-checkpoint", Scene.Supernet, "--architecture", "0 1 2 3 0",
            "--output-dir", inherited, .. recipe,
        ]).Ended(0).Printed("Fine-tuning 0 1 2 3 0", "Fine-tuned");
        // So small a learning rate leaves the weights as they were loaded, and pictures and dropout are those of the seed: both runs have
        // the same loss in training. On val they differ a little, for the running statistics have followed more batches.
        Scene.Spos(["scratch", "--imagenet-dir", Scene.Data, "--load-checkpoint", inherited, "--output-dir", scene.At("again"), .. recipe])
            .Ended(0);
        CaseFailedException.Unless(
            Math.Abs(TrainingLoss(inherited) - TrainingLoss(scene.At("again"))) < 1e-5, "the weights are not those that were loaded.");
        Scene.Spos(
            "import", "--checkpoint", Path.Combine(Scene.Fixtures, "torch_single_zip.pth"), "--image-size", "32", "--output-dir",
            imported).Ended(0);
        Scene.Spos(["scratch", "--imagenet-dir", Scene.Data, "--load-checkpoint", imported, "--output-dir", scene.At("tuned"), .. recipe])
            .Ended(0)
            .Printed("The classifier begins anew", "tells 5 classes apart, and the data set has 3");
        Scene.Spos([
            "scratch", "--imagenet-dir", Scene.Data, "--load-checkpoint", imported, "--stem-channels", "12", "--output-dir", scene.At("no"),
            .. recipe,
        ]).Ended(2).Said("--stem-channels 12");
        Scene.Spos([
            "scratch", "--imagenet-dir", Scene.Data, "--load-checkpoint", inherited, "--architecture", "0 0 0 0 0",
            "--output-dir", scene.At("no"), .. recipe,
        ]).Ended(2).Said("0 1 2 3 0");
    }

    [Case("A run that is being trained can be evaluated and exported at any time")]
    public static void Read_while_written(Scene scene)
    {
        string run = scene.At("run");
        string[] train =
        [
            "scratch", "--imagenet-dir", Scene.Data, .. Scene.Network, "--architecture", "0 1 2 3 0", "--epochs", "100000",
            "--save-frequency", "1", "--val-frequency", "0", "--output-dir", run,
        ];
        using Process training = Scene.Start(train);
        Task output = Task.WhenAll(training.StandardOutput.ReadToEndAsync(), training.StandardError.ReadToEndAsync());
        try
        {
            while (!training.HasExited && (!Directory.Exists(run) || Directory.GetFiles(run, "*.spos").Length < 2)) Thread.Sleep(20);
            for (int i = 0; i < 4; i++)
            {
                Scene.Spos("eval", "--imagenet-dir", Scene.Data, "--checkpoint", run).Ended(0).Printed("top-1 on val");
                Scene.Spos("export", "--checkpoint", run, "--output", scene.At($"{i}.pth")).Ended(0);
            }
            CaseFailedException.Unless(!training.HasExited, "the training ended by itself.");
        }
        finally
        {
            training.Kill();
            training.WaitForExit();
            output.Wait();
        }
    }

    [Case("A damaged newest checkpoint is passed over by those who only read, and left as it is")]
    public static void Read_damaged(Scene scene)
    {
        string run = scene.At("run");
        Scene.Copy(Scene.Supernet, run);
        string[] files = [.. Directory.GetFiles(run, "*.spos").Order(StringComparer.Ordinal)];
        File.WriteAllBytes(files[^1], File.ReadAllBytes(files[^1])[..1000]);
        Scene.Spos("export", "--checkpoint", run, "--output", scene.At("a.pth")).Ended(0).Said(files[^1], files[0]);
        CaseFailedException.Unless(new FileInfo(files[^1]).Length == 1000, "it was touched.");
    }

    [Case("metrics.jsonl counts epochs from 1, training and validation alike")]
    public static void Epochs(Scene scene)
    {
        Scene.Spos([
            "scratch", "--imagenet-dir", Scene.Data, .. Scene.Network, "--architecture", "0 1 2 3 0", "--epochs", "3",
            "--log-frequency", "1", "--output-dir", scene.At("run"),
        ]).Ended(0);
        JsonElement[] lines = [.. File.ReadLines(scene.At("run", "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)];
        (long Step, int Epoch)[] found = [.. lines.Select(l => (l.GetProperty("step").GetInt64(), l.GetProperty("epoch").GetInt32()))];
        CaseFailedException.Unless(found.Length == 21 && found.All(f => f.Epoch == (f.Step + 5) / 6), string.Join(' ', found));
    }

    [Case("A search on few pictures says how much of its best score may be chance")]
    public static void Selection_noise(Scene scene)
    {
        Outcome outcome = Scene.Spos([
            "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", scene.At("search"), .. SmallSearch,
        ]).Ended(0);
        outcome.Printed("points, of a score on 9 pictures", "best by chance alone");
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(scene.At("search", "result.json")));
        double mean = result.RootElement.GetProperty("top1_mean").GetDouble(),
            error = result.RootElement.GetProperty("standard_error").GetDouble();
        CaseFailedException.Unless(Math.Abs(error - Math.Sqrt(mean * (1 - mean) / 9)) < 1e-9, "the standard error is wrong.");
        // E[max of 6] is 1.26721 standard errors.
        double chance = result.RootElement.GetProperty("best_by_chance").GetDouble();
        CaseFailedException.Unless(
            Math.Abs(chance - Math.Min(1, mean + 1.26721 * error)) < 1e-4, $"{chance} is not what chance makes of {mean} ± {error}.");
    }

    [Case("The same run draws the same plots, byte for byte, also when it was stopped")]
    public static void Plots(Scene scene)
    {
        string[] Train(string folder, params string[] more) =>
        [
            "scratch", "--imagenet-dir", Scene.Data, .. Scene.Network, "--architecture", "0 1 2 3 0", "--epochs", "2",
            "--log-frequency", "1", "--output-dir", scene.At(folder), .. more,
        ];
        foreach (string folder in new[] { "one", "two" }) Scene.Spos(Train(folder)).Ended(0);
        string[] names = ["loss.png", "loss.svg"];
        Dictionary<string, byte[]> one = names.ToDictionary(n => n, n => File.ReadAllBytes(scene.At("one", n)));
        foreach (string name in names) File.Delete(scene.At("two", name));
        // Drawn again from metrics.jsonl.
        Scene.Spos(Train("two")).Ended(0).Printed("Going on");
        Kept(one, scene.At("two"));
        foreach (string folder in new[] { "s1", "s2" })
        {
            Scene.Spos([
                "search", "--imagenet-dir", Scene.Data, "--checkpoint", Scene.Supernet, "--output-dir", scene.At(folder), .. SmallSearch,
            ]).Ended(0);
        }
        Kept(
            Contents(scene.At("s1")).Where(
                f => f.Key.EndsWith(".png", StringComparison.Ordinal) || f.Key.EndsWith(".svg", StringComparison.Ordinal)).ToDictionary(),
            scene.At("s2"));
    }

    private static Outcome Train(string data, string run, params string[] more) =>
        Scene.Spos([
            "supernet", "--imagenet-dir", data, .. Scene.Network, "--paths-per-step", "4", "--epochs", "2", "--held-out", "0.2",
            "--random-paths", "1", "--output-dir", run, .. more,
        ]);

    private static Outcome Import(string folder) =>
        Scene.Spos(
            "import", "--checkpoint", Path.Combine(Scene.Fixtures, "torch_supernet_legacy.pth.tar"), "--image-size", "32",
            "--output-dir", folder);

    private static double TrainingLoss(string run)
    {
        using JsonDocument line = JsonDocument.Parse(File.ReadLines(Path.Combine(run, "metrics.jsonl")).First());
        return line.RootElement.GetProperty("loss").GetDouble();
    }

    private static Dictionary<string, byte[]> Contents(string folder) =>
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes);

    private static void Kept(Dictionary<string, byte[]> before, string folder)
    {
        foreach ((string name, byte[] bytes) in before)
        {
            string file = Path.Combine(folder, name);
            CaseFailedException.Unless(
                File.Exists(file) && bytes.AsSpan().SequenceEqual(File.ReadAllBytes(file)), $"{file} is not what it was.");
        }
    }
}

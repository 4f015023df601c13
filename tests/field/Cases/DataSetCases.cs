using System.Diagnostics;
using Spos.Engine.Data;

namespace Spos.Field.Cases;

/// <summary>Data sets with odd files, names and links in them.</summary>
internal static class DataSetCases
{
    [Case("What is no picture changes no result: hidden files, pipes, devices, circles of links")]
    public static void Clutter(Scene scene)
    {
        string data = CopyOfData(scene);
        Shell(
            Path.Combine(data, "val"),
            """
            class=$(ls | head -n 1)
            mkdir .ipynb_checkpoints __MACOSX; echo x > .ipynb_checkpoints/a.jpg; echo x > __MACOSX/a.jpg; ln -s . loop
            cd "$class"; echo x > ._a.jpg; echo x > .DS_Store; mkfifo pipe.jpg; ln -s /dev/zero zero.jpg
            ln -s .. up; ln -s ../.. top; echo x > scan.tif
            """);
        Outcome outcome = Evaluate(data).Printed(
            "4 hidden files or folders", "2 pipes, sockets or devices", "3 links to folders", "(scan.tif)", "convert");
        Same(outcome, Evaluate(Scene.Data));
        // One line for what is passed over in silence, one for the format.
        if (outcome.ErrorLines.Length != 2) throw new CaseFailedException($"{outcome.ErrorLines.Length} lines, not 2:\n{outcome.Error}");
    }

    [Case("A class without pictures is named")]
    public static void Empty_class(Scene scene)
    {
        foreach (string split in new[] { "train", "val" }) Directory.CreateDirectory(scene.At(split, "empty-class"));
        Scene.Spos("supernet", "--imagenet-dir", scene.Folder, "--output-dir", scene.At("run")).Ended(1).Said("empty-class");
    }

    [Case("Names that are not UTF-8 are read, and shown without control characters")]
    public static void Names_of_other_encodings(Scene scene)
    {
        string data = CopyOfData(scene);
        string[] classes = ["class=$(ls | head -n 1)", "other=$(ls | tail -n 1)"];
        Shell(Path.Combine(data, "val"), $"""
            {string.Join('\n', classes)}
            mkdir "$class/$(printf 'sch\366n')"; for f in "$class"/*.jpg; do mv "$f" "$class/$(printf 'sch\366n')/$(basename "$f")"; done
            echo damaged > "$other/$(printf 'z\033[31m\377.jpg')"
            """);
        Outcome outcome = Evaluate(data).Said(@"z\x1b[31m\xff.jpg", "left out");
        Same(outcome, Evaluate(Scene.Data));
        Shell(Path.Combine(data, "val"), "rm -r *");
    }

    [Case("A damaged or endless picture of val is left out of the accuracy, and that is said")]
    public static void Damage_in_val(Scene scene)
    {
        string data = CopyOfData(scene), without = CopyOfData(scene);
        const string Three = """set -- */*.jpg; """;
        Shell(Path.Combine(data, "val"), Three + """head -c 200 "$1" > x; mv x "$1"; : > "$2"; rm "$3"; truncate -s 1T "$3" """);
        Shell(Path.Combine(without, "val"), Three + """rm "$1" "$2" "$3" """);
        Outcome outcome =
            Evaluate(data).Printed("pictures                15; 3 left out, which cannot be decoded", "damaged pictures        3");
        Same(outcome, Evaluate(without));
    }

    [Case("A training class without a picture that can be decoded is named")]
    public static void Class_of_nothing_but_damage(Scene scene)
    {
        string data = CopyOfData(scene);
        Shell(
            Path.Combine(data, "train"),
            """mkdir broken; echo x > broken/1.jpg; echo x > broken/2.jpg; cp -r "$(ls ../val | head -n 1)" ../val/broken""");
        string[] arguments =
            ["--imagenet-dir", data, .. Scene.Network, "--architecture", "0 1 2 3 0", "--epochs", "1", "--output-dir", scene.At("run")];
        Scene.Spos(["scratch", .. arguments]).Ended(1).Printed("class 'broken' has no picture that can be decoded (of 2)", "2.jpg");
    }

    [Case("Classes are in the order of code points, as Python sorts them")]
    public static void Order_of_classes(Scene scene)
    {
        // By UTF-16 units the emoji would come before the wide letter.
        string[] ordered = ["Z", "a", "é", "Ａ", "😀"];
        foreach (string name in ordered)
        {
            Directory.CreateDirectory(scene.At(name));
            File.WriteAllBytes(scene.At(name, "1.png"), [1]);
        }
        string found = string.Join(' ', ImageFolder.Open(scene.Folder).Classes);
        if (found != string.Join(' ', ordered)) throw new CaseFailedException(found);
    }

    private static string CopyOfData(Scene scene)
    {
        string data = Path.Combine(scene.Folder, Path.GetRandomFileName());
        Scene.Copy(Scene.Data, data);
        return data;
    }

    private static Outcome Evaluate(string data) => Scene.Spos(
        "eval", "--imagenet-dir", data, "--checkpoint", Scene.Supernet, "--architecture", "0 1 2 3 0", "--train-iters", "2",
        "--train-batch-size", "16").Ended(0);

    private static void Same(Outcome one, Outcome other)
    {
        static string[] Results(Outcome outcome) =>
        [
            .. outcome.Output.Split('\n')
                .Where(l => l.StartsWith("  top-", StringComparison.Ordinal) || l.StartsWith("  loss", StringComparison.Ordinal)),
        ];
        if (!Results(one).SequenceEqual(Results(other)) || Results(one).Length != 3)
        {
            throw new CaseFailedException($"{one.Output}\ndiffers from\n{other.Output}");
        }
    }

    // For what .NET cannot make.
    private static void Shell(string folder, string script)
    {
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-ec", script]) { WorkingDirectory = folder })!;
        process.WaitForExit();
        if (process.ExitCode != 0) throw new CaseFailedException($"sh: {process.ExitCode}\n{script}");
    }
}

using System.Text.Json;

namespace Spos.Field.Cases;

/// <summary>PyTorch's files as people have them.</summary>
internal static class TorchCases
{
    [Case("Our own exports, imported with no option, are the same network and evaluate as before")]
    public static void Own_exports_come_back(Scene scene)
    {
        string before = Evaluated(Scene.Supernet);
        foreach (string format in new[] { "pth", "safetensors" })
        {
            string file = scene.At($"network.{format}"), run = scene.At(format), again = scene.At($"again.{format}");
            Scene.Spos("export", "--checkpoint", Scene.Supernet, "--format", format, "--output", file).Ended(0);
            Scene.Spos("import", "--checkpoint", file, "--output-dir", run).Ended(0).Printed("32×32", "standard");
            string classes = string.Join(
                ',',
                Directory.GetDirectories(Path.Combine(Scene.Data, "train"))
                    .Select(f => $"\"{Path.GetFileName(f)}\"").Order(StringComparer.Ordinal));
            Scene.Spos("import", "--checkpoint", file, "--list").Ended(0).Printed($"[{classes}]");
            string after = Evaluated(run);
            CaseFailedException.Unless(before == after, $"{format}: {after}\ninstead of\n{before}");
            Scene.Spos("export", "--checkpoint", run, "--format", format, "--output", again).Ended(0);
            CaseFailedException.Unless(
                File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(again)), $"{format}: exported again it is another file");
        }
    }

    [Case("A weight that changed on its way is told of by the archive's checksum")]
    public static void Changed_bytes(Scene scene)
    {
        string whole = scene.At("network.pth"), changed = scene.At("changed.pth");
        Scene.Spos("export", "--checkpoint", Scene.Supernet, "--output", whole).Ended(0);
        byte[] bytes = File.ReadAllBytes(whole);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(changed, bytes);
        Scene.Spos("import", "--checkpoint", changed, "--output-dir", scene.At("run")).Ended(1).Said(changed, "checksum", "is wrong");
        CaseFailedException.Unless(!Directory.Exists(scene.At("run")), "something was written.");
    }

    [Case("What people save beside the weights is passed over, listed, and steers no terminal")]
    public static void Beside_the_weights(Scene scene)
    {
        foreach (string variant in new[] { "beside", "beside_legacy" })
        {
            Outcome listed = Scene.Spos("import", "--checkpoint", Variant(scene, variant), "--list").Ended(0);
            listed.Printed(
                "argparse.Namespace", "datetime.datetime", "numpy", "torch.float16", "from state_dict", @"evil \u001b]0;x\u0007");
            CaseFailedException.Unless(!listed.Output.Any(c => char.IsControl(c) && c != '\n'), "a control character is printed");
        }
    }

    [Case("What is no checkpoint is told by what it is, with what to do")]
    public static void No_checkpoints(Scene scene)
    {
        Refused(scene, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 13651234\n"u8.ToArray(), "git lfs pull");
        Refused(scene, "<!DOCTYPE html>\u001b[31m"u8.ToArray(), "a web page");
        Refused(scene, [0x1f, 0x8b, 8, 0], "gunzip");
        Refused(scene, "\u001b[31m no checkpoint"u8.ToArray(), "no checkpoint of PyTorch's");
        byte[] whole = File.ReadAllBytes(Path.Combine(Scene.Fixtures, "torch_single_zip.pth"));
        Refused(scene, whole[..(whole.Length / 2)], "download it again");
        // A byte in the middle is one of a weight.
        whole[whole.Length / 2] ^= 1;
        Refused(scene, whole, "checksum");
        foreach ((string variant, string says) in new[]
        {
            ("whole", "save model.state_dict()"), ("script", "torch.jit.load"), ("student", "--key"),
        })
        {
            Scene.Spos("import", "--checkpoint", Variant(scene, variant), "--output-dir", scene.At("run"))
                .Ended(1).Said($"{variant}.pth", says);
        }
        CaseFailedException.Unless(!Directory.Exists(scene.At("run")), "something was written");
    }

    [Case("Weights that are NaN are told of by name, and half precision as converted")]
    public static void Odd_weights(Scene scene)
    {
        string file = scene.At("network.safetensors");
        Scene.Spos("export", "--checkpoint", Scene.Supernet, "--format", "safetensors", "--output", file).Ended(0);
        byte[] contents = File.ReadAllBytes(file);
        // The classifier is last.
        BitConverter.GetBytes(float.NaN).CopyTo(contents, contents.Length - sizeof(float));
        File.WriteAllBytes(file, contents);
        Scene.Spos("import", "--checkpoint", file, "--output-dir", scene.At("nan"))
            .Ended(0).Said("NaN or infinite: classifier.0.weight (1)");
        Scene.Spos(
            "import", "--checkpoint", Path.Combine(Scene.Fixtures, "torch_supernet_nni.pth"), "--image-size", "32",
            "--output-dir", scene.At("half")).Ended(0).Printed("tensors of Float16");
    }

    private static void Refused(Scene scene, byte[] contents, string says)
    {
        string file = scene.At("given.pth");
        File.WriteAllBytes(file, contents);
        Outcome outcome = Scene.Spos("import", "--checkpoint", file, "--output-dir", scene.At("run")).Ended(1).Said("given.pth", says);
        CaseFailedException.Unless(!outcome.Error.Any(c => char.IsControl(c) && c != '\n'), "a control character is printed");
    }

    // What eval prints of a path but where its checkpoint is.
    private static string Evaluated(string checkpoint)
    {
        string output = Scene.Spos(
            "eval", "--imagenet-dir", Scene.Data, "--checkpoint", checkpoint, "--architecture", "0 1 2 3 0", "--train-iters", "2",
            "--train-batch-size", "8").Ended(0).Output;
        return string.Join('\n', output.Split('\n').Where(line => !line.TrimStart().StartsWith("checkpoint", StringComparison.Ordinal)));
    }

    private static string Variant(Scene scene, string name)
    {
        using JsonDocument files = JsonDocument.Parse(File.ReadAllText(Path.Combine(Scene.Fixtures, "torch_variants.json")));
        string file = scene.At($"{name}.pth");
        File.WriteAllBytes(file, files.RootElement.GetProperty(name).GetBytesFromBase64());
        return file;
    }
}

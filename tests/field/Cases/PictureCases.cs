using System.Text.Json;

namespace Spos.Field.Cases;

/// <summary>Pictures as data sets have them: of all formats and kinds, under any name, and what is none.</summary>
internal static class PictureCases
{
    [Case("Pictures of all formats and kinds count, whatever their names; damage that peers paint over is told of")]
    public static void All_kinds(Scene scene)
    {
        string data = Data(scene, row => row.GetProperty("decoded").GetString() != null, out int pictures, out int damaged);
        Outcome outcome = Evaluate(data).Printed($"pictures                {pictures + 18}\n").Printed("It is used as it was decoded.");
        int told = outcome.ErrorLines.Count(l => l.Contains("It is used as it was decoded.", StringComparison.Ordinal));
        if (told < damaged) throw new CaseFailedException($"{told} files told of, of {damaged}:\n{outcome.Error}");
    }

    [Case("What is no whole picture is left out, and named for what it is")]
    public static void No_pictures(Scene scene)
    {
        string data = Data(scene, row => row.GetProperty("decoded").GetString() == null, out int files, out _);
        Evaluate(data).Printed($"pictures                18; {files} left out")
            .Printed(
                "this is an HTML page", "this is an empty file", "this is nothing but zeros", "not a usable PNG: the file is cut short");
    }

    // Those of picture_golden.json that `which` takes, beside the 18 pictures of val, all named as JPEGs.
    private static string Data(Scene scene, Func<JsonElement, bool> which, out int count, out int damaged)
    {
        string data = scene.At("data");
        Scene.Copy(Scene.Data, data);
        string folder = Directory.GetDirectories(Path.Combine(data, "val")).Order(StringComparer.Ordinal).First();
        (count, damaged) = (0, 0);
        foreach (JsonElement row in Golden().EnumerateArray().Where(which))
        {
            File.WriteAllBytes(Path.Combine(folder, $"golden{count++:D3}.jpg"), row.GetProperty("file").GetBytesFromBase64());
            if (row.GetProperty("kind").GetString() == "damaged") damaged++;
        }
        return data;
    }

    private static JsonElement Golden() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(Scene.Fixtures, "picture_golden.json"))).RootElement;

    private static Outcome Evaluate(string data) => Scene.Spos(
        "eval", "--imagenet-dir", data, "--checkpoint", Scene.Supernet, "--architecture", "0 1 2 3 0", "--train-iters", "2",
        "--train-batch-size", "16").Ended(0);
}

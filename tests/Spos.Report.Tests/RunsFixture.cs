using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Spos.Report.Chains;
using Spos.Report.Writing;
using Spos.Runs.Records;

namespace Spos.Report.Tests;

/// <summary>Folders of runs, as runs write them.</summary>
public sealed class RunsFixture : IDisposable
{
    /// <summary>A network of five blocks.</summary>
    private static readonly object s_network = new
    {
        image_size = 32,
        stem_channels = 8,
        stage_repeats = new[] { 1, 1, 2, 1 },
        stage_channels = new[] { 16, 24, 32, 48 },
        last_channels = 32,
        preprocessing = "Standard",
    };

    public string Root { get; } = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public string At(params string[] names) => Path.Combine([Root, .. names]);

    /// <summary>A folder with run.json.</summary>
    public string Record(string run, string command, object? network = null, string[]? classes = null, params (string, string?)[] options)
    {
        Directory.CreateDirectory(At(run));
        var all = new Dictionary<string, string?> { ["seed"] = "42", ["output-dir"] = At(run) };
        foreach ((string name, string? value) in options) all[name] = value;
        File.WriteAllText(At(run, "run.json"), JsonSerializer.Serialize(new
        {
            command,
            options = all,
            network = network ?? s_network,
            class_names = classes ?? ["cat", "dog", "owl"],
            version = "0.1.0+0123456789",
            device_name = "a CPU",
            runtime = ".NET",
            started = "2026-01-02T03:04:05+00:00",
        }));
        return At(run);
    }

    /// <summary>A supernet, a search that began from it, and a training of what it found, all finished.</summary>
    public string Chain(string below = "", string seed = "42", double top1 = 0.75)
    {
        string supernet = Record(Path.Combine(below, "supernet"), "supernet", null, null, ("epochs", "4"));
        Write(supernet, "metrics.jsonl", Lines(40));
        Write(supernet, "result.json", "{\"random_paths\":4,\"top1_mean\":0.4}");
        Events(supernet, 0, 1800, 3600);
        string search = Record(
            Path.Combine(below, "search"), "search", null, null, ("checkpoint", supernet), ("select-on", "held-out"), ("max-epochs", "2"));
        Write(search, "search.json", JsonSerializer.Serialize(new
        {
            Options = new Dictionary<string, string> { ["held-out"] = "0.1", ["flops-limit"] = "2000000" },
            Data = new
            {
                Train = new { Classes = new[] { new { Name = "cat", Pictures = 1200, Digest = "aa" } }, Digest = "traindigest" },
                Val = new { Classes = new[] { new { Name = "cat", Pictures = 300, Digest = "bb" } }, Digest = "valdigest" },
            },
            Scores = new[]
            {
                new { Architecture = "0 1 2 3 0", Generation = 0, Flops = 900_000, Top1 = 0.40 },
                new { Architecture = "1 1 2 3 0", Generation = 0, Flops = 950_000, Top1 = 0.35 },
                new { Architecture = "0 1 2 3 1", Generation = 1, Flops = 920_000, Top1 = 0.45 },
            },
        }));
        Write(search, "result.json", "{\"architecture\":[0,1,2,3,1],\"channel_scales\":null,\"top1\":0.45,\"candidates\":3}");
        Events(search, 4000, 5800);
        return Scratch(Path.Combine(below, "scratch"), seed, top1, Path.Combine(search, "architecture_final.json"));
    }

    /// <summary>A training that is finished.</summary>
    public string Scratch(string run, string seed, double top1, string architecture)
    {
        string scratch = Record(run, "scratch", null, null, ("architecture", architecture), ("seed", seed), ("epochs", "4"));
        Write(scratch, "metrics.jsonl", Lines(40));
        Write(scratch, "result.json", string.Create(CultureInfo.InvariantCulture,
            $"{{\"architecture\":[0,1,2,3,1],\"channel_scales\":null,\"top1\":{top1},\"top5\":0.9,\"loss\":0.7,\"pictures\":300}}"));
        return scratch;
    }

    public static void Write(string folder, string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);

    /// <summary>Lines of metrics.jsonl, ten steps to an epoch.</summary>
    public static string Lines(int count)
    {
        var text = new StringBuilder();
        for (int step = 1; step <= count; step++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{{\"step\":{step},\"epoch\":{(step - 1) / 10 + 1},\"loss\":{1.0 / step},\"top1\":0.5,\"learning_rate\":0.1}}\n");
        }
        return text.ToString();
    }

    /// <summary>An event file with an event at each of these seconds.</summary>
    public static void Events(string folder, params double[] seconds)
    {
        using FileStream file = File.Create(Path.Combine(folder, $"events.out.tfevents.{(long)seconds[0]:D10}.here.1.1"));
        byte[] record = new byte[8 + 4 + 9 + 4];
        foreach (double time in seconds)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(record, 9);
            record[12] = 0x09;
            BinaryPrimitives.WriteDoubleLittleEndian(record.AsSpan(13), 1.7e9 + time);
            file.Write(record);
        }
    }

    /// <summary>The report of folders.</summary>
    public static RunReport Read(params string[] folders) => RunReport.Read(new ReportSpec
    {
        Folders = folders,
        Command = (kind, options) => new AskedCommand(
            $"spos {kind}",
            [
                .. from option in options
                   let influence = option.Key == "epochs" ? Influence.Kept : Influence.None
                   select new AskedOption(option.Key, option.Value, "9", option.Value == "9", influence),
            ]),
    });

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Spos.Board.Browser;

/// <summary>Folders as runs leave them, larger than a test could train, with figures that look like a run's.</summary>
internal static class GeneratedRuns
{
    private const string Started = "2026-03-14T09:26:53.0000000+00:00";

    private const int Blocks = 20, Operations = 4;

    /// <summary>A run that logged so many steps.</summary>
    public static void Supernet(string folder, int steps, int epochs = 120)
    {
        Record(folder, "supernet", ("epochs", $"{epochs}"), ("batch-size", "256"), ("learning-rate", "0.5"));
        var random = new Random(1);
        int each = steps / epochs;
        using var file = new StreamWriter(Path.Combine(folder, "metrics.jsonl"));
        for (int step = 1; step <= steps; step++)
        {
            double done = (double)step / steps, noise = (random.NextDouble() - 0.5) * 0.5 * Math.Exp(-2 * done);
            double loss = 1.6 + 3 * Math.Exp(-6 * done) + noise, top1 = 0.62 * (1 - Math.Exp(-5 * done)) + noise / 8;
            string val = step % each == 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $",\"val_loss\":{loss - noise + 0.2:0.####},\"val_top1\":{Math.Max(top1 - 0.05, 0):0.####}")
                : "";
            file.Write(string.Create(CultureInfo.InvariantCulture,
                $"{{\"step\":{step},\"epoch\":{(step - 1) / each + 1},\"loss\":{loss:0.####},\"top1\":{Math.Max(top1, 0):0.####},"
                + $"\"learning_rate\":{0.5 * (1 - done):0.######}{val}}}\n"));
        }
    }

    /// <summary>A search of so many candidates, whose later generations have what earlier ones were good by.</summary>
    public static void Search(string folder, int candidates)
    {
        int each = Math.Max(candidates / 20, 1);
        Record(folder, "search", ("max-epochs", "20"), ("num-population", $"{each}"), ("max-trials", $"{candidates}"));
        var random = new Random(2);
        var text = new StringBuilder("{\"Options\":{},\"Scores\":[");
        for (int i = 0; i < candidates; i++)
        {
            int generation = i / each;
            int[] path = [.. Enumerable.Range(0, Blocks).Select(block =>
                random.NextDouble() * 24 < generation ? (block * 7 + block / 5) % Operations : random.Next(Operations))];
            double flops = 2.4e8 + path.Index().Sum(one => 4.1e6 * one.Item * (1 + one.Index * 0.053));
            double top1 = 0.44 + 0.012 * generation + 0.25 * (flops - 2.4e8) / 3.6e8 + 0.02 * (random.NextDouble() - 0.5);
            text.Append(CultureInfo.InvariantCulture,
                $"{(i > 0 ? "," : "")}{{\"Architecture\":\"{string.Join(' ', path)}\",\"Generation\":{generation},\"Flops\":{flops:0},"
                + $"\"Top1\":{top1:0.#####}}}");
        }
        File.WriteAllText(Path.Combine(folder, "search.json"), $"{text}]}}\n");
        Write(folder, "result.json", new { candidates, whole = true, top1_mean = 0.58, standard_error = 0.007, best_by_chance = 0.61 });
    }

    /// <summary>A rank run of ten architectures, each trained twice, that is over.</summary>
    public static void Rank(string folder)
    {
        Record(folder, "rank", ("repeats", "2"), ("epochs", "60"));
        var random = new Random(3);
        object[] architectures =
        [
            .. Enumerable.Range(0, 10).Select(i => new
            {
                Architecture = string.Join(' ', Enumerable.Range(0, Blocks).Select(_ => random.Next(Operations))),
                Flops = 2.5e8 + 1e7 * i,
                Scores = new[] { 0.42 + 0.012 * i },
                Standalone = 0.66 + 0.008 * i + 0.02 * random.NextDouble(),
                Repeats = new[] { 0.66 + 0.008 * i + 0.02 * random.NextDouble() },
            }),
        ];
        Write(folder, "rank.json", new { Architectures = architectures });
        Write(folder, "workers.json", new
        {
            workers = new[]
            {
                new { name = "node2-ab12cd", address = "10.0.0.7:41000", state = "left", scored = 25, per_minute = 3.5, trained = 9 },
                new { name = "node3-ef34ab", address = "10.0.0.8:41002", state = "lost", scored = 5, per_minute = 0.7, trained = 2 },
            },
        });
        Write(folder, "result.json", new
        {
            architectures = 10,
            kendall_tau = new[] { 0.64, 0.31, 0.87 },
            spearman_rho = new[] { 0.78, 0.4, 0.95 },
            flops_tau = new[] { 0.51, 0.1, 0.8 },
            regret = new[] { new { top = 1, regret = 0.004, at_random = 0.031 }, new { top = 3, regret = 0.0, at_random = 0.012 } },
            trusted = "yes",
            verdict = "the search can be trusted: the supernet's ranking is better than that of FLOPs alone.",
        });
    }

    /// <summary>A front run with a network that is not trained yet, and pictures that were left out.</summary>
    public static void Front(string folder)
    {
        Record(folder, "front", ("epochs", "60"));
        Write(folder, "networks.json", new
        {
            Architectures = Enumerable.Range(0, 5).Select(i => new
            {
                Source = "Front",
                Number = i,
                Architecture = string.Join(' ', Enumerable.Repeat(i % Operations, Blocks)),
                Score = 0.5 + 0.02 * i,
                Top1 = i == 4 ? (double?)null : 0.69 + 0.01 * i,
                Top5 = i == 4 ? (double?)null : 0.88 + 0.01 * i,
            }),
        });
        Write(folder, "result.json", new { left_out = 3 });
    }

    /// <summary>A run whose loss left what numbers can say, and whose log was damaged.</summary>
    public static void Diverged(string folder)
    {
        Record(folder, "scratch", ("epochs", "10"));
        IEnumerable<string> lines = Enumerable.Range(1, 40).Select(step =>
            $"{{\"step\":{step},\"epoch\":{(step - 1) / 10 + 1},\"loss\":{(step > 30 ? "null" : $"{step}.5")},\"top1\":0.1}}\n");
        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), $"{string.Concat(lines)}half a l\n");
    }

    private static void Record(string folder, string command, params (string Name, string Value)[] options)
    {
        Directory.CreateDirectory(folder);
        Dictionary<string, string?> all = options.ToDictionary(one => one.Name, one => (string?)one.Value);
        all["seed"] = "42";
        all["output-dir"] = folder;
        Write(folder, "run.json", new { command, options = all, device_name = "AMD EPYC", threads = 16, started = Started });
    }

    private static void Write(string folder, string name, object content) =>
        File.WriteAllText(Path.Combine(folder, name), JsonSerializer.Serialize(content));
}

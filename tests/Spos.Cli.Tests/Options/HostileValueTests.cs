using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Spos.Cli.Options;

namespace Spos.Cli.Tests.Options;

/// <summary>
/// Every option of every verb is given what no one should give it, in this process: the program ends at once, says why in one line, and
/// nothing is thrown. Verbs are given data that are not there, so that a value which is right after all starts no work.
/// </summary>
[Collection(nameof(HostileValueTests))]
[CollectionDefinition(nameof(HostileValueTests), DisableParallelization = true)]
public sealed class HostileValueTests : IDisposable
{
    // Long enough for a busy machine: what waits for ever is looked for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, string[]> Quick = new()
    {
        ["quickstart"] = ["--output-dir", "drawn"],
        ["supernet"] = ["--imagenet-dir", "missing"],
        ["search"] = ["--imagenet-dir", "missing", "--checkpoint", "missing"],
        ["new"] = ["missing"],
        ["run"] = ["missing.yml"],
        ["scratch"] = ["--imagenet-dir", "missing", "--architecture", "0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3 0 1 2 3"],
        ["front"] = ["--imagenet-dir", "missing", "--search", "missing"],
        ["eval"] = ["--imagenet-dir", "missing", "--checkpoint", "missing"],
        ["predict"] = ["missing.jpg", "--checkpoint", "missing"],
        ["rank"] = ["--imagenet-dir", "missing", "--checkpoint", "missing"],
        ["shrink"] = ["--imagenet-dir", "missing", "--checkpoint", "missing"],
        ["import"] = ["--checkpoint", "missing"],
        ["export"] = ["--checkpoint", "missing"],
        ["sample"] = ["--samples", "10"],
        ["summary"] = [],
        ["search-space"] = [],
        ["dataset"] = ["make", "--output-dir", "folder", "--train", "1", "--val", "1", "--size", "16", "--classes", "2"],
        ["bench"] = ["loader"],
        ["latency"] = ["measure", "--checkpoint", "missing", "--output", "latency.json"],
        ["info"] = [],
        ["completion"] = ["bash"],
        ["man"] = [],
        ["worker"] = ["--join", "127.0.0.1:1", "--patience", "1s", "--imagenet-dir", "missing", "--checkpoint", "missing"],
        ["board"] = ["missing", "--token-file", "missing"],
        ["report"] = ["missing"],
    };

    private static readonly string[] Values =
    [
        "", " ", "nan", "inf", "-inf", "Infinity", "0x10", "0,5", "1,000", "1e400", "1e308", "-1e308", "1e-400", "-1", "-0", "0", "0.5",
        "1.5", "1k", "2147483647", "2147483648", "9223372036854775808", "18446744073709551616", "99999999999999999999",
        new string('9', 2000), "1;2", "1,2,3", "1,2,3,4", "2,4,6,4200", ",,,", "5h", "1e9d", "s, m", "CUDA", "Fused", "text", "true",
        "null", "%s%n", "$(reboot)", "١٢", "１２", "é", "\u202Etxt", "\uFFFD", "a\tb", "a\nb", "\u001B[31mred", "\0", "a\0b", "-", "-x",
        new string('x', 300), new string('x', 5000), string.Join('/', Enumerable.Repeat("x", 3000)), "/", ".", "../..", "~/x", "/proc/x",
        "/proc/self/mem", "/sys/x", "/dev/null", "/dev/zero", "/dev/full", "folder", "folder/", "file", "file/below", "binary", "empty",
        "pipe", "missing/file",
    ];

    private readonly string _before = Environment.CurrentDirectory, _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;
    private readonly TextWriter _output = Console.Out, _error = Console.Error;

    public HostileValueTests()
    {
        Environment.CurrentDirectory = _folder;
        Directory.CreateDirectory("folder");
        File.WriteAllText("folder/something", "something");
        File.WriteAllText("file", "a text\n");
        File.WriteAllText("empty", "");
        File.WriteAllBytes("binary", [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 31 >> 3))]);
        using (Process fifo = Process.Start("mkfifo", "pipe")) fifo.WaitForExit();
        // With a data set, though an empty one, quickstart draws none.
        Directory.CreateDirectory("drawn/data");
    }

    public static TheoryData<string> VerbNames => [.. Program.Verbs.Select(DeclaredOption.NameOf)];

    [Theory]
    [MemberData(nameof(VerbNames))]
    public void No_value_of_any_option_is_more_than_a_line(string name)
    {
        var faults = new List<string>();
        int tried = 0;
        foreach (DeclaredOption option in DeclaredOption.Of(Program.Verbs.Single(v => DeclaredOption.NameOf(v) == name))
            .Where(o => !o.IsFlag))
        {
            foreach (string value in Values)
            {
                // Here the program would draw a whole data set.
                if (name == "quickstart" && option.Name == "--output-dir" && IsTaken(option, value)) continue;
                // Here it would list the whole file system.
                if (option.Name == "--images" && value == "/") continue;
                // Here it would wait for standard input.
                if (name == "predict" && !option.IsOption && value == "-") continue;
                string[] arguments = [name, .. With(Quick[name], option, value)];
                tried++;
                if (Try(arguments, option, value) is { } fault)
                {
                    faults.Add($"spos {string.Join(' ', arguments.Select(Shown.Value))}: {fault}");
                }
            }
        }
        Assert.True(tried >= Values.Length || name == "man", $"{name} was tried with {tried} values.");
        Assert.True(faults.Count == 0, $"{faults.Count} of {tried}:\n{string.Join('\n', faults.Take(40))}");
        Assert.Equal(0, new FileInfo("/dev/null").Length);
    }

    [Theory]
    [InlineData("trialConcurrency: {0}")]
    [InlineData("maxTrialNum: {0}")]
    [InlineData("maxExecDuration: {0}")]
    [InlineData("trainingServicePlatform: {0}")]
    [InlineData("useAnnotation: {0}")]
    [InlineData("searchSpacePath: {0}")]
    [InlineData("{0}: 3")]
    [InlineData("tuner: {{className: {0}}}")]
    [InlineData("tuner: {{builtinTunerName: {0}}}")]
    [InlineData("tuner: {{classArgs: {{max_epochs: {0}}}}}")]
    [InlineData("tuner: {{classArgs: {{num_select: {0}}}}}")]
    [InlineData("tuner: {{classArgs: {{m_prob: {0}}}}}")]
    [InlineData("tuner: {{classArgs: {{flops_limit: {0}}}}}")]
    [InlineData("tuner: {0}")]
    [InlineData("trial: {{command: {0}}}")]
    [InlineData("trial: {{codeDir: {0}, command: python tester.py --checkpoint missing}}")]
    [InlineData("trial: {{codeDir: ., command: python tester.py --seed 1 --seed {0}}}")]
    [InlineData("max-epochs: {0}")]
    [InlineData("held_out: {0}")]
    [InlineData("objectives: [flops, {0}]")]
    [InlineData("resume: {0}")]
    [InlineData("output-dir: {0}")]
    [InlineData("search: {0}")]
    [InlineData("search: {{max-duration: {0}}}")]
    [InlineData("search: {{{0}: 3}}")]
    [InlineData("scratch: {{batch-size: {0}, architecture: {0}}}")]
    public void No_field_of_a_configuration_is_more_than_a_line(string field)
    {
        DeclaredOption config = DeclaredOption.Of(typeof(Verbs.SearchVerb)).Single(o => o.Name == "--config");
        foreach (string value in Values)
        {
            // As JSON has texts, which YAML has too, and, where it says the same, as it is.
            foreach (string written in new[] { JsonSerializer.Serialize(value), value })
            {
                File.WriteAllText("config.yml", string.Format(CultureInfo.InvariantCulture, field, written));
                Assert.Null(Try(["search", "--imagenet-dir", "missing", "--config", "config.yml"], config, "config.yml"));
            }
        }
    }

    public void Dispose()
    {
        Console.SetOut(_output);
        Console.SetError(_error);
        Environment.CurrentDirectory = _before;
        Directory.Delete(_folder, recursive: true);
    }

    private static string[] With(string[] quick, DeclaredOption option, string value)
    {
        if (!option.IsOption) return [value, .. quick.SkipWhile(word => !word.StartsWith('-'))];
        int at = Array.IndexOf(quick, option.Name);
        return [.. at < 0 ? quick : [.. quick[..at], .. quick[(at + 2)..]], $"{option.Name}={value}"];
    }

    private static bool IsTaken(DeclaredOption option, string value)
    {
        try
        {
            option.Rule!.Read(value, option.Type);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // What is wrong with how the program ends; null if nothing is.
    private static string? Try(string[] arguments, DeclaredOption option, string value)
    {
        var said = new StringBuilder();
        using var error = new StringWriter(said);
        // Tables are written to what they were first written to.
        Console.SetOut(TextWriter.Null);
        Console.SetError(TextWriter.Synchronized(error));
        bool taken = IsTaken(option, value);
        long start = Stopwatch.GetTimestamp();
        int code;
        try
        {
            code = Program.Run(arguments);
        }
        catch (Exception thrown)
        {
            return $"{thrown}";
        }
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        string text = said.ToString();
        if (time > Patience) return $"took {time.TotalSeconds:0.0} s";
        if (code == 0) return taken && text.Length == 0 ? null : $"ended with 0, and said {text}";
        if (code is not (1 or 2) || (!taken && code != 2)) return $"ended with {code}: {text}";
        if (text.Count(c => c == '\n') != 1 || !text.EndsWith('\n')) return $"said {text.Count(c => c == '\n')} lines: {text}";
        if (Shown.Line(text.TrimEnd('\n')) != text.TrimEnd('\n') || text.Length > 8192) return $"said {text}";
        return taken || !option.IsOption || text.Contains(option.Name, StringComparison.Ordinal)
            ? null
            : $"does not name {option.Name}: {text}";
    }
}

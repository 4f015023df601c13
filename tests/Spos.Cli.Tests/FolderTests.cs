using System.Reflection;
using CommandLine;
using Spos.Runs.Folders;

namespace Spos.Cli.Tests;

/// <summary>
/// Every verb that writes is sent into every other verb's finished folder. Whatever it says, each byte that was there stays.
/// </summary>
[Collection(InProcess.Collection)]
public sealed class FolderTests(FinishedRuns runs) : IClassFixture<FinishedRuns>
{
    private const string Notes = "notes.txt";

    /// <summary>The verbs that write into a folder.</summary>
    public static TheoryData<string> FolderWriters => [.. NamesOf("output-dir")];

    /// <summary>The verbs that write a file.</summary>
    public static TheoryData<string> FileWriters => [.. NamesOf("output", "file")];

    [Theory]
    [MemberData(nameof(FolderWriters))]
    public void A_folder_of_another_run_keeps_every_byte(string writer)
    {
        foreach (string holder in FinishedRuns.Holders.Where(h => h != writer))
        {
            foreach (string[] more in HasOption(writer, "restart") ? new[] { [], new[] { "--restart" } } : [[]])
            {
                string folder = runs.CopyOf(holder);
                File.WriteAllText(Path.Combine(folder, Notes), "mine");
                Dictionary<string, byte[]> before = Contents(folder);
                Outcome outcome = InProcess.Run([.. runs.Command(writer, folder), .. more]);
                string said = $"spos {writer} {string.Join(' ', more)} in a folder of {holder} "
                    + $"ended with {outcome.Code}:\n{outcome.Output}\n{outcome.Error}";
                AssertKept(before, folder, said);
                // A folder of folders has room for one more.
                if (holder == "quickstart") continue;
                Assert.True(outcome.Code == 2 && outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == 1, said);
                Assert.Equal(before.Keys.Order(), Contents(folder).Keys.Order());
                Assert.True(outcome.Error.Contains("--output-dir", StringComparison.Ordinal), said);
                if (writer != "dataset")
                {
                    Assert.True(outcome.Error.Contains(RunKind.All.Single(k => k.Command == holder).Title, StringComparison.Ordinal), said);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(FolderWriters))]
    public void Files_that_nobody_knows_are_never_written_over(string writer)
    {
        RunKind? kind = RunKind.All.FirstOrDefault(k => k.Command == writer);
        if (kind == null) return;
        foreach (string name in Contents(runs.At(writer)).Keys.Where(kind.Owns))
        {
            string folder = runs.New();
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, name))!);
            File.WriteAllText(Path.Combine(folder, name), "mine");
            Outcome outcome = InProcess.Run(
                [.. runs.Command(writer, folder), .. HasOption(writer, "restart") ? new[] { "--restart" } : []]);
            Assert.True(
                outcome.Code == 2 && outcome.Error.Contains(name, StringComparison.Ordinal), $"{name}: {outcome.Output}{outcome.Error}");
            Assert.Equal([name], Contents(folder).Keys);
            Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, name)));
        }
    }

    [Theory]
    [MemberData(nameof(FileWriters))]
    public void A_file_of_another_kind_keeps_every_byte(string writer)
    {
        foreach (string holder in FinishedRuns.Holders.Where(h => h != "quickstart"))
        {
            string folder = runs.CopyOf(holder);
            Dictionary<string, byte[]> before = Contents(folder);
            foreach (string name in before.Keys)
            {
                if (name is "nni_auto_gen_search_space.json" or "search_space.json" && writer == "search-space") continue;
                // What a front run exports is written anew, as any export.
                if (name.StartsWith("exports/", StringComparison.Ordinal) && writer == "export") continue;
                Outcome outcome = InProcess.Run(runs.FileCommand(writer, Path.Combine(folder, name)));
                Assert.True(
                    outcome.Code == 2 && outcome.Error.Contains(name, StringComparison.Ordinal),
                    $"spos {writer} onto {name} ended with {outcome.Code}:\n{outcome.Output}{outcome.Error}");
            }
            AssertKept(before, folder, writer);
            Assert.Equal(before.Keys.Order(), Contents(folder).Keys.Order());
        }
    }

    [Fact]
    public void A_search_is_exported_for_Optuna_beside_its_files_and_replaces_its_own_journal_alone()
    {
        string folder = runs.CopyOf("search"), journal = Path.Combine(folder, "journal.log");
        Dictionary<string, byte[]> before = Contents(folder);
        string[] export = ["export", "--checkpoint", folder, "--format", "optuna"];
        Outcome exported = InProcess.Run(export);
        Assert.True(exported.Code == 0, exported.Error);
        AssertKept(before, folder, "export");
        Assert.Equal([.. before.Keys.Append("journal.log").Order()], Contents(folder).Keys.Order());
        string written = File.ReadAllText(journal);
        Assert.Equal(4, written.Split('\n').Count(line => line.StartsWith("{\"op_code\":4,", StringComparison.Ordinal)));
        // The ending tells the format, too.
        Assert.Equal(0, InProcess.Run("export", "--checkpoint", folder, "--output", journal).Code);
        Assert.Equal(written, File.ReadAllText(journal));

        const string another = "{\"op_code\": 0, \"worker_id\": \"mine\"}\n";
        File.WriteAllText(journal, another);
        Outcome refused = InProcess.Run(export);
        Assert.True(refused.Code == 2 && refused.Error.Contains($"{journal} is there already", StringComparison.Ordinal), refused.Error);
        Assert.Equal(another, File.ReadAllText(journal));
        foreach (string option in new[] { "--with-preprocessing", "--keep-batch-norm" })
        {
            refused = InProcess.Run([.. export, option]);
            string told = $"{option} is of ONNX graphs";
            Assert.True(refused.Code == 2 && refused.Error.Contains(told, StringComparison.Ordinal), refused.Error);
        }
        refused = InProcess.Run("export", "--checkpoint", runs.At("supernet"), "--format", "optuna");
        Assert.True(refused.Code == 2 && refused.Error.Contains("holds a supernet run", StringComparison.Ordinal), refused.Error);
    }

    [Theory]
    [InlineData("supernet", "--epochs", "3")]
    [InlineData("scratch", "--epochs", "3")]
    [InlineData("search", "--train-iters", "3")]
    [InlineData("rank", "--recalibrations", "2")]
    [InlineData("front", "--random", "2")]
    [InlineData("shrink", "--train-iters", "2")]
    public void A_run_with_other_options_leaves_its_own_kinds_folder_alone_unless_it_is_to_begin_anew(
        string verb, string option, string value)
    {
        string folder = runs.CopyOf(verb), notes = Path.Combine(folder, Notes), events = Path.Combine(folder, "events.mine");
        foreach (string mine in new[] { notes, events }) File.WriteAllText(mine, "mine");
        Dictionary<string, byte[]> before = Contents(folder);
        string[] command = With(runs.Command(verb, folder), option, value);
        Outcome refused = InProcess.Run(command);
        Assert.True(refused.Code == 2 && refused.Error.Contains(option, StringComparison.Ordinal), refused.Output + refused.Error);
        AssertKept(before, folder, verb);

        Outcome anew = InProcess.Run([.. command, "--restart"]);
        Assert.True(anew.Code == 0, anew.Error);
        Assert.Contains(
            $"Removing {RunKind.All.Single(k => k.Command == verb).Title} from {folder}", anew.Output, StringComparison.Ordinal);
        foreach (string mine in new[] { notes, events }) Assert.Equal("mine", File.ReadAllText(mine));
    }

    private static IEnumerable<string> NamesOf(params string[] options) =>
        Program.Verbs.Select(v => v.GetCustomAttribute<VerbAttribute>()!.Name).Where(name => options.Any(o => HasOption(name, o)));

    private static bool HasOption(string verb, string option)
    {
        Type type = Program.Verbs.Single(v => v.GetCustomAttribute<VerbAttribute>()!.Name == verb);
        return type.GetInterfaces().Prepend(type).SelectMany(t => t.GetProperties())
            .Any(p => p.GetCustomAttribute<OptionAttribute>()?.LongName == option);
    }

    private static string[] With(string[] command, string option, string value)
    {
        int at = Array.IndexOf(command, option);
        return at < 0 ? [.. command, option, value] : [.. command[..at], option, value, .. command[(at + 2)..]];
    }

    // All files but locks, which are empty.
    private static Dictionary<string, byte[]> Contents(string folder) =>
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) != ".lock")
            .ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes);

    private static void AssertKept(Dictionary<string, byte[]> before, string folder, string said)
    {
        foreach ((string name, byte[] bytes) in before)
        {
            string file = Path.Combine(folder, name);
            Assert.True(File.Exists(file) && bytes.AsSpan().SequenceEqual(File.ReadAllBytes(file)), $"{name} is not what it was. {said}");
        }
    }
}

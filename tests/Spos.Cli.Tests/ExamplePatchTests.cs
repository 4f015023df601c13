using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Spos.Engine.Tests;

namespace Spos.Cli.Tests;

/// <summary>The patches of docs/examples: they fit the checkout, and what the documents say of them is so.</summary>
public sealed partial class ExamplePatchTests
{
    private static readonly string Folder = Path.Combine(Checkout.Root, "docs", "examples");

    public static TheoryData<string> Patches =>
        [.. Directory.GetFiles(Folder, "*.patch").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Patches))]
    public void A_patch_fits_the_checkout(string patch)
    {
        (int code, _, string error) = Git("apply", "--check", At(patch));
        // It may be there already, as the page invites to.
        if (code != 0) code = Git("apply", "--check", "--reverse", At(patch)).Code;
        Assert.True(code == 0, $"Make {patch} anew (docs/examples/README.md says how):\n{error}");
    }

    [Theory]
    [MemberData(nameof(Patches))]
    public void The_table_has_a_patch_s_figures(string patch)
    {
        (int Added, int Removed, string File)[] code =
        [
            .. Git("apply", "--numstat", At(patch)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split('\t')).Select(part => (Number(part[0]), Number(part[1]), part[2]))
                .Where(change => change.Item3.StartsWith("src/", StringComparison.Ordinal)
                    || (change.Item3.StartsWith("native/", StringComparison.Ordinal)
                        && !change.Item3.StartsWith("native/tests/", StringComparison.Ordinal))),
        ];
        string row = File.ReadLines(At("README.md")).Single(line => line.Contains($"]({patch})", StringComparison.Ordinal));
        int added = code.Sum(change => change.Added), removed = code.Sum(change => change.Removed);
        Assert.Contains($"| {code.Length} | +{added} −{removed} |", row, StringComparison.Ordinal);
        Assert.Contains($"`git apply docs/examples/{patch} && ", row, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("adding-a-block.md")]
    [InlineData("adding-a-verb.md")]
    [InlineData("adding-an-op.md")]
    public void What_a_page_shows_is_part_of_a_patch(string page)
    {
        string[] patches = [.. Directory.GetFiles(Folder, "*.patch").Select(path => Stripped(File.ReadLines(path)
            .Where(line => line.StartsWith('+')).Select(line => line[1..])))];
        MatchCollection blocks = CodeBlock().Matches(File.ReadAllText(Path.Combine(Folder, "..", page)));
        Assert.NotEmpty(blocks);
        Assert.All(
            blocks.Select(block => Stripped(block.Groups[1].Value.Split('\n'))),
            block => Assert.Contains(patches, patch => patch.Contains(block, StringComparison.Ordinal)));
    }

    private static string At(string file) => Path.Combine(Folder, file);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    // Lines without their indents, so that an excerpt may stand further to the left.
    private static string Stripped(IEnumerable<string> lines) =>
        string.Join('\n', lines.Select(line => line.Trim()).Where(line => line.Length > 0));

    private static (int Code, string Output, string Error) Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", arguments)
        {
            WorkingDirectory = Checkout.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Else git would look at a repository that an archive of the source was unpacked in.
        start.Environment["GIT_CEILING_DIRECTORIES"] = Path.GetDirectoryName(Checkout.Root);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    [GeneratedRegex(@"^```c(?:pp|sharp)$\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}

using Spos.Runs.Records;

namespace Spos.Runs.Tests;

/// <summary>What counts as the same option where a run goes on.</summary>
public sealed class KeptOptionsTests
{
    [Fact]
    public void A_checkpoint_without_an_identity_is_held_against_the_number_of_pictures()
    {
        Dictionary<string, string> Of(int pictures) => new() { [KeptOptions.PicturesFact] = $"{pictures} of 3 classes", ["epochs"] = "2" };
        Dictionary<string, string> now = new(Of(40)) { [KeptOptions.LoadOption] = "", [KeptOptions.LoadFact] = "" };
        Assert.Contains("39 of 3 classes, not 40", Refusal(Of(39), now), StringComparison.Ordinal);
        new KeptOptions(now).Require("file", Of(39), anyPictures: true);
    }

    [Fact]
    public void A_checkpoint_that_was_loaded_is_the_same_by_its_path_or_its_content()
    {
        Require(Loaded("a", "1"), Loaded("b", "1"));
        Require(Loaded("a", "1"), Loaded("a", "2"));
        Require(With(KeptOptions.LoadOption, "a"), Loaded("a", "2"));
        foreach (Dictionary<string, string> before in new[] { Loaded("a", "1"), Loaded("", "") })
        {
            Assert.Contains("--load-checkpoint", Refusal(before, Loaded("b", "2")), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Words_of_options_are_the_same_with_and_without_capitals()
    {
        foreach (string name in new[] { "init", "lr-decay", "plan" }) Require(With(name, "Word"), With(name, "word"));
        Assert.Contains("--flops-table A, not a", Refusal(With("flops-table", "A"), With("flops-table", "a")), StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_of_which_files_say_nothing_are_called_by_their_name()
    {
        string told = Refusal(With(KeptOptions.BlocksOption, "shuffle-v2+"), With(KeptOptions.BlocksOption, ""));
        Assert.Contains("--blocks shuffle-v2+, not shuffle-v2.", told, StringComparison.Ordinal);
        Assert.Contains("with --epochs 2, not (unset)", Refusal(With("epochs", "2"), With("epochs", "")), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_search_spaces_all_blocks_that_differ_are_told_and_no_others()
    {
        Dictionary<string, string> Space(Func<int, string> leftOf) =>
            With(KeptOptions.SearchSpaceOption, string.Join(" | ", Enumerable.Range(0, 20).Select(leftOf)));
        Dictionary<string, string> before = Space(_ => "0 1 2 3 / 3 4 5 6 7");
        string told = Refusal(before, Space(block => block is 3 or 19 ? "0 2 / 4" : "0 1 2 3 / 3 4 5 6 7"));
        Assert.Contains(
            "--search-space 0 1 2 3 / 3 4 5 6 7 in block 3, 0 1 2 3 / 3 4 5 6 7 in block 19, not 0 2 / 4 in block 3, 0 2 / 4 in block 19.",
            told, StringComparison.Ordinal);
        string whole = before[KeptOptions.SearchSpaceOption];
        Assert.Contains($"{whole}, not (unset).", Refusal(before, With(KeptOptions.SearchSpaceOption, "")), StringComparison.Ordinal);
        // A file may hold anything.
        Assert.InRange(Refusal(With(KeptOptions.SearchSpaceOption, new string('|', 1 << 20)), before).Length, 0, 8000);
    }

    [Fact]
    public void What_a_value_follows_from_is_told_with_it()
    {
        var now = new KeptOptions(
            [], With("flops-limit", "330"), new Dictionary<string, string> { ["flops-limit"] = "the default of --strategy evolution" });
        string told = Assert.Throws<UsageException>(() => now.Require("file", With("flops-limit", ""), anyPictures: false)).Message;
        Assert.StartsWith(
            "file was made with --flops-limit (unset), not 330, the default of --strategy evolution. ", told, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> With(string name, string value) => new() { [name] = value };

    private static Dictionary<string, string> Loaded(string path, string checksum) =>
        new() { [KeptOptions.LoadOption] = path, [KeptOptions.LoadFact] = checksum };

    private static void Require(Dictionary<string, string> before, Dictionary<string, string> now) =>
        new KeptOptions(now).Require("file", before, anyPictures: false);

    private static string Refusal(Dictionary<string, string> before, Dictionary<string, string> now) =>
        Assert.Throws<UsageException>(() => Require(before, now)).Message;
}

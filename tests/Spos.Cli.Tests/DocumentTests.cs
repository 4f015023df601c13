using System.Text.RegularExpressions;
using Spos.Cli.Options;
using Spos.Engine.Tests;

namespace Spos.Cli.Tests;

/// <summary>The documents: their links lead somewhere, and the options that they name are there.</summary>
public sealed partial class DocumentTests
{
    private const int MostWordsOfReadme = 900;

    // Options of other programs that the documents name: of TensorBoard, dotnet, the campaign of damaged files, apt-get, mpirun, Slurm,
    // buildah, and the test of training by processes.
    private static readonly HashSet<string> Others =
    [
        "--logdir", "--project", "--seconds", "--no-install-recommends", "--allow-run-as-root", "--bind-to", "--host", "--mca",
        "--gpus-per-task", "--ntasks", "--requeue", "--signal", "--array", "--wrap", "--file", "--tag", "--long", "--link",
    ];

    private static readonly string[] Documents =
    [
        .. Directory.GetFiles(Checkout.Root, "*.md").Select(path => Path.GetFileName(path)),
        .. Directory.GetFiles(Path.Combine(Checkout.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Checkout.Root, path)),
    ];

    public static TheoryData<string> DocumentNames => [.. Documents];

    [Fact]
    public void The_readme_is_short() =>
        Assert.InRange(TextOf("README.md").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 1, MostWordsOfReadme);

    [Theory]
    [MemberData(nameof(DocumentNames))]
    public void Links_lead_to_files_and_headings(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Checkout.Root, document))!;
        var broken = new List<string>();
        foreach (string link in Link().Matches(WithoutCode(TextOf(document))).Select(match => match.Groups[1].Value))
        {
            if (link.Contains("://", StringComparison.Ordinal)) continue;
            string[] parts = link.Split('#');
            string target = parts[0].Length == 0 ? Path.Combine(Checkout.Root, document) : Path.GetFullPath(Path.Combine(folder, parts[0]));
            bool isThere = File.Exists(target) || (Directory.Exists(target) && parts.Length == 1);
            if (!isThere || (parts.Length > 1 && !AnchorsOf(File.ReadAllText(target)).Contains(parts[1]))) broken.Add(link);
        }
        Assert.Empty(broken);
    }

    [Fact]
    public void The_readme_leads_to_every_document()
    {
        string[] linked = [.. Link().Matches(TextOf("README.md")).Select(match => match.Groups[1].Value.Split('#')[0])];
        // The figures of kernels belong to the page on GPUs.
        Assert.Equal(["docs/kernel-resources.md"], Documents.Where(document => document != "README.md").Except(linked));
    }

    [Theory]
    [MemberData(nameof(DocumentNames))]
    public void Options_are_those_of_some_verb(string document)
    {
        string[] known = [.. Program.Verbs.SelectMany(OptionsOf).Distinct()];
        IEnumerable<string> unknown = NamesOf(TextOf(document))
            .Where(option => !Others.Contains(option) && !known.Any(name => name.StartsWith(option, StringComparison.Ordinal)));
        Assert.Empty(unknown);
    }

    [Theory]
    [MemberData(nameof(DocumentNames))]
    public void Commands_give_verbs_the_options_that_they_have(string document)
    {
        var wrong = new List<string>();
        foreach (Match command in Command().Matches(TextOf(document).Replace("\\\n", " ", StringComparison.Ordinal)))
        {
            string name = command.Groups[1].Value;
            string[] known = VerbNamed(name) is { } verb ? OptionsOf(verb) : [];
            if (known.Length == 0) wrong.Add(command.Value);
            wrong.AddRange(NamesOf(command.Groups[2].Value).Except(known).Select(option => $"{name} {option}"));
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Verbs_have_the_options_that_the_page_on_options_says()
    {
        var wrong = new List<string>();
        MatchCollection rows = OptionRow().Matches(TextOf("docs/options.md"));
        Assert.InRange(rows.Count, 20, int.MaxValue);
        foreach (Match row in rows)
        {
            foreach (string verb in row.Groups[2].Value.Split(", "))
            {
                string[] known = VerbNamed(verb) is { } type ? OptionsOf(type) : [];
                wrong.AddRange(NamesOf(row.Groups[1].Value).Except(known).Select(option => $"{verb} {option}"));
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_page_on_options_names_every_verb()
    {
        string page = TextOf("docs/options.md");
        foreach (Type verb in Program.Verbs) Assert.Contains($"spos {DeclaredOption.NameOf(verb)}", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_on_the_phases_tells_of_every_signal()
    {
        string page = TextOf("docs/imagenet.md");
        string[] words = ["Ctrl-C", "SIGTERM", "SIGHUP", "SIGUSR1", "second", "130", "143"];
        Assert.All(words, word => Assert.Contains(word, page, StringComparison.Ordinal));
    }

    // Files that pages for developers name by their places in the checkout.
    [Theory]
    [InlineData("CONTRIBUTING.md")]
    [InlineData("docs/adding-a-block.md")]
    [InlineData("docs/adding-a-verb.md")]
    [InlineData("docs/adding-an-op.md")]
    [InlineData("docs/kernels.md")]
    public void Files_that_are_named_are_there(string document)
    {
        string text = TextOf(document);
        // What the example of a page makes is marked where it is first named.
        IEnumerable<string> missing = NamedFile().Matches(text).Select(match => match.Groups[1].Value).Distinct()
            .Where(path => !Path.Exists(Path.Combine(Checkout.Root, path)) && !text.Contains($"`{path}` (new)", StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    [Theory]
    [InlineData("## One source\n", "one-source")]
    [InlineData("## PyTorch's files\n", "pytorchs-files")]
    [InlineData("# Can the supernet's ranking be trusted?\n", "can-the-supernets-ranking-be-trusted")]
    [InlineData("### `--plan`, and more\n", "--plan-and-more")]
    [InlineData("## Twice\n## Twice\n", "twice-1")]
    [InlineData("```\n# a comment\n```\n## After\n", "after")]
    public void Headings_have_the_anchors_that_GitHub_gives_them(string text, string anchor) => Assert.Contains(anchor, AnchorsOf(text));

    private static string TextOf(string document) => File.ReadAllText(Path.Combine(Checkout.Root, document));

    // The options that a text names.
    private static IEnumerable<string> NamesOf(string text) => Option().Matches(text).Select(match => match.Value).Distinct();

    private static Type? VerbNamed(string name) => Program.Verbs.SingleOrDefault(verb => DeclaredOption.NameOf(verb) == name);

    private static string[] OptionsOf(Type verb) => [.. DeclaredOption.Of(verb).Select(option => option.Name), "--help", "--version"];

    // In lower case, without punctuation, with hyphens for spaces; the second of equal ones ends in -1, and so on.
    private static HashSet<string> AnchorsOf(string text)
    {
        var anchors = new HashSet<string>();
        foreach (string heading in Heading().Matches(WithoutBlocks(text)).Select(match => match.Groups[1].Value))
        {
            string anchor = NotInAnchors().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');
            string unique = anchor;
            for (int i = 1; !anchors.Add(unique); i++) unique = $"{anchor}-{i}";
        }
        return anchors;
    }

    private static string WithoutBlocks(string text) => Block().Replace(text, "");

    private static string WithoutCode(string text) => InlineCode().Replace(WithoutBlocks(text), "");

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#{1,6} (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex(@"^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("`[^`\n]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z0-9-]*")]
    private static partial Regex Option();

    [GeneratedRegex(@"(?<=\./|`)spos ([a-z][a-z-]*)([^`\n]*)")]
    private static partial Regex Command();

    [GeneratedRegex(@"^\| (`--[^|]*) \| ([a-z-]+(?:, [a-z-]+)*) \|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();

    [GeneratedRegex(@"`((?:src|tests|native|tools|docs|samples|benchmarks|\.ci)/[\w./-]*[\w/])`")]
    private static partial Regex NamedFile();
}

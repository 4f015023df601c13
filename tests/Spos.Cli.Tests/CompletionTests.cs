using System.Diagnostics;
using Spos.Cli.Options;

namespace Spos.Cli.Tests;

public sealed class CompletionTests : IDisposable
{
    // What bash has typed so far is COMP_WORDS, of which the last is being completed; COMPREPLY is what it offers.
    private const string Complete = """
        source completion.bash
        compopt() { :; }
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _spos
        printf '%s\n' "${COMPREPLY[@]}"
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public CompletionTests()
    {
        File.WriteAllText(Path.Combine(_folder, "completion.bash"), PipelineFixture.Expect(0, "completion", "bash").Output);
        File.WriteAllText(Path.Combine(_folder, "complete"), Complete);
        File.WriteAllText(Path.Combine(_folder, "a picture.jpg"), "");
        Directory.CreateDirectory(Path.Combine(_folder, "a folder"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("su", "supernet summary")]
    [InlineData("nothing ", "")]
    [InlineData("supernet --blo", "--blocks")]
    [InlineData("supernet --precision ", "fp32 bf16")]
    [InlineData("supernet --precision = ", "fp32 bf16")]
    [InlineData("supernet --precision = b", "bf16")]
    [InlineData("supernet --seed ", "")]
    [InlineData("eval --device c", "cuda")]
    [InlineData("bench st", "step")]
    [InlineData("bench step --inf", "--inference")]
    [InlineData("completion ", "bash zsh fish")]
    public void Bash_offers_commands_options_and_values(string typed, string offered) =>
        Assert.Equal(offered.Split(' '), Offered(typed.Split(' ')));

    [Theory]
    [InlineData("predict ", "a folder,a picture.jpg,complete,completion.bash")]
    [InlineData("predict a", "a folder,a picture.jpg")]
    [InlineData("predict x --checkpoint a", "a folder,a picture.jpg")]
    [InlineData("supernet --output-dir ", "a folder")]
    public void Bash_offers_files_or_folders(string typed, string offered) =>
        Assert.Equal(offered.Split(','), Offered(typed.Split(' ')).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("completion", "bash")]
    [InlineData("completion", "zsh")]
    [InlineData("completion", "fish")]
    [InlineData("man")]
    public void Every_option_of_every_verb_is_there(params string[] verb)
    {
        string text = PipelineFixture.Expect(0, verb).Output.Replace("\\-", "-", StringComparison.Ordinal);
        foreach (Type other in Program.Verbs)
        {
            Assert.Contains(DeclaredOption.NameOf(other), text, StringComparison.Ordinal);
            foreach (DeclaredOption option in DeclaredOption.Of(other).Where(o => o.IsOption))
            {
                string name = verb[^1] == "fish" ? $"-l {option.PlainName} " : option.Name;
                Assert.Contains(name, text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_manual_page_has_no_line_that_is_a_request_by_accident()
    {
        string[] requests = [".TH", ".SH", ".SS", ".TP", ".PP", ".RS", ".RE", ".nf", ".fi", ".B", ".I", ".RI"];
        string[] lines = PipelineFixture.Expect(0, "man").Output.TrimEnd('\n').Split('\n');
        Assert.All(
            lines.Where(line => line.Length == 0 || line[0] is '.' or '\''),
            line => Assert.Contains(line.Split(' ')[0], requests));
        Assert.Contains(".B \\-\\-imagenet\\-dir", lines);
    }

    private string[] Offered(string[] typed)
    {
        ProcessStartInfo start = new("bash") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (string word in (string[])["complete", "spos", .. typed]) start.ArgumentList.Add(word);
        using Process bash = Process.Start(start)!;
        string offered = bash.StandardOutput.ReadToEnd(), said = bash.StandardError.ReadToEnd();
        bash.WaitForExit();
        Assert.Equal("", said);
        return offered.TrimEnd('\n').Split('\n');
    }
}

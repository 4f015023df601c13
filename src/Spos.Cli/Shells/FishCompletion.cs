using System.Globalization;
using System.Text;
using Spos.Cli.Options;

namespace Spos.Cli.Shells;

/// <summary>The script by which fish completes the command line of spos.</summary>
internal static class FishCompletion
{
    public static string Script(IReadOnlyList<Type> verbs)
    {
        var script = new StringBuilder();
        script.Append("""
            # Completion of spos for fish. To have it in a shell: spos completion fish | source
            function __spos_verb_is
                set -l words (commandline -opc)
                test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"
            end
            complete -c spos -f

            """);
        foreach (Type verb in verbs)
        {
            string name = DeclaredOption.NameOf(verb), summary = CompletedOption.SummaryOf(verb);
            Add(script, "test (count (commandline -opc)) -eq 1", $"-a {name} -d {Quoted(summary)}");
            foreach (CompletedOption option in CompletedOption.Of(verb))
            {
                string offered = OfferedOf(option);
                if (option.IsOption) Add(script, $"__spos_verb_is {name}", $"-l {option.Name[2..]}{offered} -d {Quoted(option.Summary)}");
                else Add(script, $"__spos_verb_is {name}", offered.TrimStart());
            }
        }
        return script.ToString();
    }

    private static void Add(StringBuilder script, string condition, string completion) =>
        script.Append(CultureInfo.InvariantCulture, $"complete -c spos -n '{condition}' {completion}\n");

    private static string OfferedOf(CompletedOption option)
    {
        // Only one value follows an option.
        string exclusive = option.IsOption ? " -x" : "", required = option.IsOption ? " -r" : "";
        return option.Path switch
        {
            _ when !option.TakesValue => "",
            PathKind.Folder => $"{exclusive} -a '(__fish_complete_directories)'",
            null when option.Words.Count > 0 => $"{exclusive} -a {Quoted(string.Join(' ', option.Words))}",
            null => exclusive,
            _ => $"{required} -F",
        };
    }

    private static string Quoted(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}

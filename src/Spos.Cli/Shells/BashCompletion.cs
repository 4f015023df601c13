using System.Globalization;
using System.Text;
using Spos.Cli.Options;

namespace Spos.Cli.Shells;

/// <summary>The script by which bash completes the command line of spos.</summary>
internal static class BashCompletion
{
    public static string Script(IReadOnlyList<Type> verbs)
    {
        var script = new StringBuilder();
        script.Append("""
            # Completion of spos for bash. To have it in a shell: source <(spos completion bash)
            _spos() {
                local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}" words='' paths=''
                # bash takes --name=value for three words.
                if [[ $word == '=' ]]; then
                    word=''
                elif [[ $before == '=' ]]; then
                    before="${COMP_WORDS[COMP_CWORD - 2]}"
                fi
                COMPREPLY=()
                case "$COMP_CWORD ${COMP_WORDS[1]} $before" in

            """);
        AddCase(script, ["'1 '*"], Words(verbs.Select(DeclaredOption.NameOf)));
        (string Verb, CompletedOption Option)[] all =
            [.. verbs.SelectMany(verb => CompletedOption.Of(verb).Select(option => (DeclaredOption.NameOf(verb), option)))];
        foreach (var same in all.Where(a => a.Option is { IsOption: true, TakesValue: true }).GroupBy(a => Offered(a.Option)))
        {
            AddCase(script, same.Select(a => $"*\" {a.Verb} {a.Option.Name}\""), same.Key);
        }
        foreach (IGrouping<string, (string Verb, CompletedOption Option)> verb in all.GroupBy(a => a.Verb))
        {
            string options = Words(verb.Select(v => v.Option.Name).Where(name => name[0] == '-'));
            CompletedOption? word = verb.Select(v => v.Option).FirstOrDefault(o => !o.IsOption);
            // The first word after the verb, or each of a list.
            if (word != null)
            {
                AddCase(script, [$"{(word.IsList ? "*" : "2")}\" {verb.Key} \"*"], $"{Offered(word)}; [[ $word != -* ]] || {options}");
            }
            if (word is not { IsList: true }) AddCase(script, [$"*\" {verb.Key} \"*"], options);
        }
        return script.Append("""
                esac
                if [[ -n $paths ]]; then
                    compopt -o filenames
                    mapfile -t COMPREPLY < <(compgen "$paths" -- "$word")
                elif [[ -n $words ]]; then
                    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
                fi
            }
            complete -F _spos spos

            """).ToString();
    }

    private static void AddCase(StringBuilder script, IEnumerable<string> patterns, string offered) =>
        script.Append(CultureInfo.InvariantCulture, $"        {string.Join(" | ", patterns)}) {offered} ;;\n");

    private static string Words(IEnumerable<string> words) => $"words='{string.Join(' ', words)}' paths=''";

    private static string Offered(CompletedOption option) => option.Path switch
    {
        PathKind.Folder => "paths=-d",
        null => Words(option.Words),
        _ => "paths=-f",
    };
}

using System.Globalization;
using System.Text;
using Spos.Cli.Options;

namespace Spos.Cli.Shells;

/// <summary>The script by which zsh completes the command line of spos.</summary>
internal static class ZshCompletion
{
    public static string Script(IReadOnlyList<Type> verbs)
    {
        var script = new StringBuilder();
        script.Append("""
            #compdef spos
            # Completion of spos for zsh. To have it in a shell, after compinit: source <(spos completion zsh)
            _spos() {
                local context state state_descr line
                local -A opt_args
                _arguments -C '1: :->command' '*:: :->words'
                case "$state" in
                    command)
                        local -a commands
                        commands=(

            """);
        foreach (Type verb in verbs)
        {
            string name = DeclaredOption.NameOf(verb), summary = CompletedOption.SummaryOf(verb);
            script.Append(CultureInfo.InvariantCulture, $"                {ShellText.Quoted($"{name}:{summary}")}\n");
        }
        script.Append("""
                        )
                        _describe command commands
                        ;;
                    words)
                        case "${line[1]}" in

            """);
        foreach (Type verb in verbs)
        {
            script.Append(CultureInfo.InvariantCulture, $"                {DeclaredOption.NameOf(verb)})\n                    _arguments");
            foreach (CompletedOption option in CompletedOption.Of(verb))
            {
                script.Append(CultureInfo.InvariantCulture, $" \\\n                        {ShellText.Quoted(SpecificationOf(option))}");
            }
            script.Append("\n                    ;;\n");
        }
        return script.Append("""
                        esac
                        ;;
                esac
            }
            # Either zsh has loaded this file as the function, or it was sourced.
            if [[ "${funcstack[1]}" == _spos ]]; then _spos "$@"; else compdef _spos spos; fi

            """).ToString();
    }

    private static string SpecificationOf(CompletedOption option)
    {
        string offered = option.Path switch
        {
            PathKind.Folder => "_files -/",
            null when option.Words.Count > 0 => $"({string.Join(' ', option.Words)})",
            null => "",
            _ => "_files",
        };
        string name = option.Name.TrimStart('-');
        if (!option.IsOption) return $"{(option.IsList ? "*" : "1")}:{name}:{offered}";
        string summary = $"[{Escaped(option.Summary)}]";
        return option.TakesValue ? $"{option.Name}={summary}:{name}:{offered}" : $"{option.Name}{summary}";
    }

    private static string Escaped(string text) =>
        text.Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal);
}

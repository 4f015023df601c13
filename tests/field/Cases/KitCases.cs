using System.Text.RegularExpressions;

namespace Spos.Field.Cases;

/// <summary>
/// What users ask of the check of a GPU (tools/gpu-check) before it begins. A checkout has its script, and a bundle its programs.
/// </summary>
internal static class KitCases
{
    [Case("The check of a GPU explains itself, and says in a line which option makes no sense")]
    public static void Options(Scene scene)
    {
        foreach (string asked in new[] { "--help", "-h", "--device host --help" })
        {
            Run(asked).Ended(0).SaidNothing()
                .Printed("--stages takes numbers and ranges", "The stages and their limits:", "  9  race against PyTorch (");
        }
        Run("--quick").Ended(2).Said("gpu-check: --quick: there is no such option");
        Run("--stages").Ended(2).Said("gpu-check: --stages needs a value");
        Run("--device gpu").Ended(2).Said("--device gpu: cuda, host and simt are possible");
        Run("--size big").Ended(2).Said("--size big: full, small and tiny are possible");
        Run("--patience 0").Ended(2).Said("--patience 0: ");
        Run("--stages 10").Ended(2).Said("--stages 10: ");
        // Not a check of nothing that no stage fails.
        Run("--stages 1,3-2").Ended(2).Said("the range 3-2 ends before it begins");
        Run("--stages 1-2,9").Ended(2).Said("holds no programs: run this from an unpacked bundle");
    }

    [Case("The check of a GPU takes no longer than it and its page say")]
    public static void Limits(Scene scene)
    {
        // What a stage that is stopped may take beyond its limit.
        const int grace = 5, stages = 9;
        string help = Run("--help").Ended(0).Output;
        int[] limits = [.. Regex.Matches(help, @"\(([0-9]+) s\)$", RegexOptions.Multiline).Select(m => int.Parse(m.Groups[1].Value))];
        Match said = Regex.Match(help, "takes at most ([0-9]+) minutes");
        if (limits.Length != stages || limits.Sum() + stages * grace > 60 * int.Parse(said.Groups[1].Value))
        {
            throw new CaseFailedException($"{said.Value}, but its stages' limits are {string.Join(" + ", limits)} s.");
        }
        string page = File.ReadAllText(Path.Combine(Shell.Checkout, "docs", "gpu.md")).ReplaceLineEndings(" ");
        if (!page.Contains($"at most {said.Groups[1].Value} minutes", StringComparison.Ordinal))
        {
            throw new CaseFailedException($"docs/gpu.md does not say that the check {said.Value}.");
        }
    }

    [Case("The check of a GPU that can write neither its report nor temporary files says so in a line")]
    public static void Folders(Scene scene)
    {
        const string bundle = """
            mkdir -p "$1/tools" "$1/bin"; cp -r "$2/tools/gpu-check" "$1/tools/"
            printf '#!/bin/true' | tee "$1/bin/spos" >"$1/bin/spos-check"; chmod +x "$1"/bin/*
            """;
        Shell.Run(bundle, scene.Folder, Shell.Checkout).Ended(0);
        File.WriteAllText(scene.At("file"), "");
        string run = $"'{scene.At("tools", "gpu-check", "run")}' --stages 2 --device host";
        Shell.Run($"OUT='{scene.At("file")}' {run}").Ended(2).Said($"{scene.At("file")} cannot be made or written to: the variable OUT");
        Shell.Run($"OUT='{scene.At("report")}' TMPDIR='{scene.At("gone")}' {run}")
            .Ended(2).Said($"{scene.At("gone")} cannot be written to: the variable TMPDIR");
        Shell.Run($"OUT='{scene.At("report")}' {run}").Ended(0).SaidNothing().Printed("no stage failed");
    }

    private static Outcome Run(string options) => Shell.Run($"'{Shell.Checkout}/tools/gpu-check/run' {options}");
}

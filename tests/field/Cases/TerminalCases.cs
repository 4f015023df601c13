using System.Text.RegularExpressions;

namespace Spos.Field.Cases;

/// <summary>What a run shows on a terminal.</summary>
internal static class TerminalCases
{
    private const string ShowCursor = "\u001b[?25h", HideCursor = "\u001b[?25l";

    [Case("On a terminal each part of a run has a bar of its own, and the cursor is back when it ends, also when the run fails")]
    public static void Bars(Scene scene)
    {
        string[] network = [.. Scene.Network, "--imagenet-dir", Scene.Data];
        string whole = OnTerminal(0, ["supernet", .. network, "--epochs", "1", "--random-paths", "2", "--output-dir", scene.At("whole")]);
        foreach (string shown in new[] { "supernet  ", "img/s", "epoch 1  loss", "random paths  ", "path/s", "Supernet trained" })
        {
            if (!whole.Contains(shown, StringComparison.Ordinal)) throw new CaseFailedException($"'{shown}' is not shown:\n{whole}");
        }
        int rate = Array.IndexOf(network, "--learning-rate");
        network[rate + 1] = "50";
        string[] diverging = ["supernet", .. network, "--epochs", "30", "--weight-decay", "0.9", "--output-dir", scene.At("diverged")];
        string diverged = OnTerminal(1, diverging);
        foreach (string text in new[] { whole, diverged })
        {
            int hidden = Regex.Count(text, Regex.Escape(HideCursor)), shown = Regex.Count(text, Regex.Escape(ShowCursor));
            bool isBack = text.LastIndexOf(ShowCursor, StringComparison.Ordinal) > text.LastIndexOf(HideCursor, StringComparison.Ordinal);
            if (hidden == 0 || shown < hidden || !isBack)
            {
                throw new CaseFailedException(
                    $"the cursor was hidden {hidden} times and shown {shown} times:\n{text}");
            }
        }
    }

    private static string OnTerminal(int code, string[] arguments)
    {
        string command = $"dotnet {Path.Combine(AppContext.BaseDirectory, "spos.dll")} {string.Join(' ', arguments)}";
        return Shell.Run("TERM=xterm-256color script -qec \"$1\" /dev/null </dev/null", command).Ended(code).Output;
    }
}

using Spos.Runs;

namespace Spos.Cli.Display;

/// <summary>
/// Shows what a process has to tell that works for another one, which shows the run: warnings, such as of damaged pictures.
/// </summary>
/// <param name="begun">Called when the run begins.</param>
internal sealed class RankConsole(Action begun) : IRunObserver
{
    public void Begin(RunBegin run) => begun();

    public void Warn(string message) => Notice.Warn(message);
}

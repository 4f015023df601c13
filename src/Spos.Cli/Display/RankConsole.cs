using Spos.Runs;

namespace Spos.Cli.Display;

/// <summary>Shows nothing of a run that another process shows.</summary>
/// <param name="begun">Called when the run begins.</param>
internal sealed class RankConsole(Action begun) : IRunObserver
{
    public void Begin(RunBegin run) => begun();
}

using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Spos.Board.Processes;

namespace Spos.Board.Tests;

/// <summary>Telling live runs from dead ones, and stopping them. A Perl script that holds the lock stands for a run.</summary>
public sealed class StopTests
{
    private const string Listening = "$SIG{USR1} = sub { open(A, '>asked'); close(A); exit 3 };";

    [Fact]
    public async Task A_run_is_alive_as_long_as_its_lock_is_held_and_stops_when_it_is_asked()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        File.WriteAllText(board.At("one", ".lock"), "");
        await board.Start();
        Assert.Equal("Stopped", await StateOf(board));
        using Process run = Hold(board, Listening);
        await Until(() => File.Exists(board.At("one", "ready")));
        await Until(async () => await StateOf(board) == "Running");
        Assert.Equal(HttpStatusCode.OK, await board.StatusOf(board.Request(HttpMethod.Post, "/api/stop?path=one", withToken: true)));
        await run.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token);
        Assert.Equal(3, run.ExitCode);
        Assert.True(File.Exists(board.At("one", "asked")));
        await Until(async () => await StateOf(board) == "Stopped");
    }

    [Fact]
    public async Task A_process_that_the_signal_would_kill_is_left_alone()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        File.WriteAllText(board.At("one", ".lock"), "");
        await board.Start();
        using Process run = Hold(board, "");
        try
        {
            await Until(() => File.Exists(board.At("one", "ready")));
            HttpRequestMessage request = board.Request(HttpMethod.Post, "/api/stop?path=one", withToken: true);
            Assert.Equal(HttpStatusCode.Conflict, await board.StatusOf(request));
            Assert.False(run.HasExited);
        }
        finally
        {
            run.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Only_spos_itself_is_ever_started_and_never_for_what_a_file_says()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet", ("output-dir", "one"));
        File.WriteAllText(board.At("one", ".lock"), "");
        await board.Start();
        // What was stopped before the board was there is told by files alone.
        await CannotResume();
        using Process run = Hold(board, Listening);
        await Until(async () => await StateOf(board) == "Running");
        // This one is the user's own, and alive, but another program.
        Assert.Null(RunCommand.Of(run.Id, board.At("one", ".lock")));
        Assert.Equal(HttpStatusCode.OK, await board.StatusOf(board.Request(HttpMethod.Post, "/api/stop?path=one", withToken: true)));
        await Until(async () => await StateOf(board) == "Stopped");
        await CannotResume();
        Assert.Equal(
            HttpStatusCode.NotFound, await board.StatusOf(board.Request(HttpMethod.Post, "/api/resume?path=../x", withToken: true)));

        async Task CannotResume()
        {
            Assert.False((await board.Run("one")).GetProperty("header").GetProperty("canResume").GetBoolean());
            HttpRequestMessage request = board.Request(HttpMethod.Post, "/api/resume?path=one", withToken: true);
            Assert.Equal(HttpStatusCode.Conflict, await board.StatusOf(request));
        }
    }

    [Fact]
    public async Task A_lock_elsewhere_that_a_link_leads_to_stops_nothing()
    {
        await using var board = new BoardFixture();
        board.Record("one", "supernet");
        board.Record("../other", "supernet");
        File.WriteAllText(board.At("../other", ".lock"), "");
        File.CreateSymbolicLink(board.At("one", ".lock"), board.At("../other", ".lock"));
        await board.Start();
        using Process run = Hold(board, Listening, "../other");
        try
        {
            await Until(() => File.Exists(board.At("../other", "ready")));
            HttpRequestMessage request = board.Request(HttpMethod.Post, "/api/stop?path=one", withToken: true);
            Assert.Equal(HttpStatusCode.Conflict, await board.StatusOf(request));
            Assert.Equal("Stopped", await StateOf(board));
            Assert.False(run.HasExited);
        }
        finally
        {
            run.Kill(entireProcessTree: true);
        }
    }

    private static async Task<string?> StateOf(BoardFixture board)
    {
        JsonElement runs = (await board.Get("/api/runs")).GetProperty("runs");
        return runs.EnumerateArray().Single(run => run.GetProperty("path").GetString() == "one").GetProperty("state").GetString();
    }

    // The script itself locks the file, as .NET does for a run: the lock of a command that it called would be that command's.
    private static Process Hold(BoardFixture board, string listen, string run = "one")
    {
        string script = $"open(L, '>>.lock'); flock(L, 6) or exit 9; {listen} open(R, '>ready'); close(R); sleep 1 for 1 .. 120;";
        return Process.Start(new ProcessStartInfo("perl", ["-e", script]) { WorkingDirectory = Path.Combine(board.Root, run) })!;
    }

    private static Task Until(Func<bool> condition) => Until(() => Task.FromResult(condition()));

    private static async Task Until(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 600; i++)
        {
            if (await condition()) return;
            await Task.Delay(100);
        }
        Assert.Fail("It did not come about within a minute.");
    }
}

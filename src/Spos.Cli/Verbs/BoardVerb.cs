using System.Net;
using System.Security.Cryptography;
using CommandLine;
using Spos.Board.Serving;
using Spos.Cli.Display;
using Spos.Cli.OptionGroups;
using Spos.Cli.Options;
using Spos.Cli.Shells;

namespace Spos.Cli.Verbs;

/// <summary>Shows runs in the browser.</summary>
[Place(23)]
[Verb("board", HelpText = "Show the runs of a folder in the browser, live: progress, curves, candidates, rankings.")]
[Example("Show the runs of a folder", "runs")]
internal sealed class BoardVerb : IVerb
{
    private const int BytesOfToken = 24;

    [Value(0, MetaName = "folder", Default = "runs", HelpText = "the folder; runs in folders below it are shown, too.")]
    [Input(PathKind.Folder)]
    public string Folder { get; set; } = "runs";

    [Option("listen", Default = "127.0.0.1:6780", HelpText =
        "Where the board is found. At an address that other machines reach, runs are shown only to who has the token.")]
    [Listen]
    public string Listen { get; set; } = "127.0.0.1:6780";

    [Option("token-file", HelpText =
        "A file with the token, of 16 characters at least (default: a new one at each start, in the address that is printed).")]
    [Input(PathKind.File)]
    public string? TokenFile { get; set; }

    public int Run()
    {
        if (!Directory.Exists(Folder))
        {
            throw new UsageException($"The folder {Shown.Value(Folder)} does not exist. Name one with runs: spos board FOLDER.");
        }
        var spec = new BoardSpec
        {
            Folder = Folder,
            Listen = ListenAttribute.EndPointOf(Listen),
            Token = Token(),
            ResumeCommand = (kind, options, folder) => ResumeCommand.Of(Program.Verbs, kind, options, folder),
            ResumeArguments = (folder, arguments, run) => ResumeArguments.Of(Program.Verbs, folder, arguments, run),
        };
        StandardStream.IsOptional = true;
        using var stop = new StopSignal("the board closes; runs go on");
        Serve(spec, stop).GetAwaiter().GetResult();
        return ExitCode.Success;
    }

    private async Task Serve(BoardSpec spec, StopSignal stop)
    {
        await using BoardServer server = await BoardServer.Start(spec);
        stop.Listen();
        Notice.Say($"Showing the runs of {Path.GetFullPath(spec.Folder)} at");
        // What follows # stays in the browser: no server and no log sees it.
        Notice.Say(TokenFile == null
            ? $"  {server.Address}/#token={spec.Token}"
            : $"  {server.Address}/#token=… with the token of {TokenFile}");
        if (!IPAddress.IsLoopback(spec.Listen.Address))
        {
            Notice.Warn("other machines can reach this address, and the connection is not encrypted: who listens in sees the token.");
        }
        Notice.Say("Ctrl-C ends the board.");
        await Task.Delay(Timeout.Infinite, stop.Token).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private string Token() => TokenFile == null
        ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(BytesOfToken))
        : SecretFile.Read("--token-file", TokenFile, "a token");
}

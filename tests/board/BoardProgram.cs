using System.Diagnostics;
using Spos.Engine.Tests;

namespace Spos.Board.Browser;

/// <summary>A folder of runs, and spos board showing it, as a user starts it.</summary>
internal sealed class BoardProgram : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spos-browser-").FullName;
    private Process? _board;

    /// <summary>The folder that is shown; what is in it before the start is there from the beginning.</summary>
    public string Runs => Path.Combine(_folder, "runs");

    /// <summary>Where the page is found, without the token.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The address that the program prints, with the token.</summary>
    public string Printed { get; private set; } = "";

    public async Task Start()
    {
        Directory.CreateDirectory(Runs);
        _board = StartSpos("board", "runs", "--listen", "127.0.0.1:0");
        _ = _board.StandardError.ReadToEndAsync();
        while (Printed.Length == 0)
        {
            string line = await _board.StandardOutput.ReadLineAsync() ?? throw new IOException("The board ended before it was there.");
            if (line.Contains("/#token=", StringComparison.Ordinal)) Printed = line.Trim();
        }
        Address = Printed[..Printed.IndexOf("/#", StringComparison.Ordinal)];
        _ = _board.StandardOutput.ReadToEndAsync();
    }

    /// <summary>Starts spos in the folder above the runs.</summary>
    public Process StartSpos(params string[] arguments) => Process.Start(
        // Tests may run in the background, where signals are ignored, which children inherit.
        new ProcessStartInfo(
            "env", ["--default-signal=HUP,INT", "dotnet", Path.Combine(AppContext.BaseDirectory, "spos.dll"), .. arguments])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["SPOS_NATIVE_DIR"] = NativeFolder() },
        })!;

    /// <summary>Runs spos to its end.</summary>
    public async Task Spos(params string[] arguments)
    {
        using Process process = StartSpos(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"spos {string.Join(' ', arguments)}\n{await output}\n{await error}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_board != null)
        {
            _board.Kill(entireProcessTree: true);
            await _board.WaitForExitAsync();
            _board.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private static string NativeFolder() =>
        Environment.GetEnvironmentVariable("SPOS_NATIVE_DIR") is { Length: > 0 } named
            ? named
            : Path.Combine(Checkout.Root, "build", "native", "lib");
}

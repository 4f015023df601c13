using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.Versioning;

namespace Spos.Cli.Tests;

/// <summary>spos board as a user starts it.</summary>
public sealed class BoardTests : IDisposable
{
    private const string Token = "a-token-of-the-tests";

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_address_has_a_token_that_is_new_at_each_start_and_Ctrl_C_ends_the_board()
    {
        var tokens = new HashSet<string>();
        for (int i = 0; i < 2; i++)
        {
            using Process board = SposProcess.Start("board", _folder, "--listen", "127.0.0.1:0");
            string address = await AddressOf(board);
            string token = address[(address.IndexOf('=', StringComparison.Ordinal) + 1)..];
            Assert.True(token.Length >= 32 && tokens.Add(token), address);
            Assert.Equal(HttpStatusCode.OK, await Ask(address, token));
            // It has started itself over with what keeps .NET quiet, and is the same process.
            string[] variables = (await File.ReadAllTextAsync($"/proc/{board.Id}/environ")).Split('\0');
            Assert.Contains("DOTNET_TieredCompilation=0", variables);
            Assert.Contains("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0", variables);
            Assert.Equal(HttpStatusCode.Unauthorized, await Ask(address, Token));
            SposProcess.Interrupt(board);
            await board.WaitForExitAsync();
            Assert.Equal(0, board.ExitCode);
        }
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task A_token_of_a_file_is_not_shown()
    {
        string file = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(file, Token + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        using Process board = SposProcess.Start("board", _folder, "--listen", "127.0.0.1:0", "--token-file", file);
        string address = await AddressOf(board);
        Assert.DoesNotContain(Token, address, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await Ask(address, Token));
        SposProcess.Interrupt(board);
        await board.WaitForExitAsync();
        Assert.DoesNotContain("its mode", await board.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Who_leaves_a_token_to_all_users_is_told()
    {
        string file = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(file, Token);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        using Process board = SposProcess.Start("board", _folder, "--listen", "127.0.0.1:0", "--token-file", file);
        await AddressOf(board);
        SposProcess.Interrupt(board);
        await board.WaitForExitAsync();
        Assert.Contains(
            $"its mode lets all users read it: chmod 600 {file}", await board.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("with a space and long enough")]
    [InlineData("")]
    public void A_token_that_could_be_guessed_or_split_is_refused(string token)
    {
        string file = Path.Combine(_folder, "token");
        File.WriteAllText(file, token);
        Outcome outcome = SposProcess.Run("board", _folder, "--token-file", file);
        Assert.Equal(2, outcome.Code);
        Assert.Contains("--token-file", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named()
    {
        Outcome outcome = SposProcess.Run("board", Path.Combine(_folder, "missing"));
        Assert.Equal(2, outcome.Code);
        Assert.Contains("missing does not exist. Name one with runs: spos board FOLDER.", outcome.Error, StringComparison.Ordinal);
    }

    private static async Task<string> AddressOf(Process board)
    {
        while (await board.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("/#token=", StringComparison.Ordinal)) return line.Trim();
        }
        throw new IOException(await board.StandardError.ReadToEndAsync());
    }

    private static async Task<HttpStatusCode> Ask(string address, string token)
    {
        using var client = new HttpClient();
        string page = address[..address.IndexOf('#', StringComparison.Ordinal)];
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{page}api/token");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using HttpResponseMessage answer = await client.SendAsync(request);
        return answer.StatusCode;
    }
}

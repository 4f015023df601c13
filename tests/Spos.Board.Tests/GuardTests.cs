using System.Net;

namespace Spos.Board.Tests;

/// <summary>Who may ask the board for what.</summary>
public sealed class GuardTests
{
    [Fact]
    public async Task A_page_of_this_machine_may_look_and_with_the_token_ask_to_stop()
    {
        await using BoardFixture board = await Open();
        Assert.Equal(HttpStatusCode.OK, await board.StatusOf(board.Request(HttpMethod.Get, "/api/runs")));
        // There is no process to stop.
        Assert.Equal(HttpStatusCode.Conflict, await board.StatusOf(board.Request(HttpMethod.Post, "/api/stop?path=one", withToken: true)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer ")]
    [InlineData(BoardFixture.Token)]
    public async Task Nobody_stops_a_run_or_goes_on_with_it_without_the_token(string? authorization)
    {
        await using BoardFixture board = await Open();
        foreach (string path in new[] { "/api/stop?path=one", "/api/resume?path=one" })
        {
            HttpRequestMessage request = board.Request(HttpMethod.Post, path);
            if (authorization != null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            Assert.Equal(HttpStatusCode.Unauthorized, await board.StatusOf(request));
        }
    }

    [Theory]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "https://127.0.0.1")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task A_page_of_another_site_gets_nothing_even_with_the_token(string header, string value)
    {
        await using BoardFixture board = await Open();
        (HttpMethod, string)[] requests =
            [(HttpMethod.Post, "/api/stop?path=one"), (HttpMethod.Post, "/api/resume?path=one"), (HttpMethod.Get, "/api/runs")];
        foreach ((HttpMethod method, string path) in requests)
        {
            HttpRequestMessage request = board.Request(method, path, withToken: true);
            request.Headers.Add(header, value);
            Assert.Equal(HttpStatusCode.Forbidden, await board.StatusOf(request));
        }
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("192.0.2.1")]
    public async Task A_name_that_is_let_point_here_is_not_answered_to(string host)
    {
        await using BoardFixture board = await Open();
        foreach (string path in new[] { "/", "/board.js", "/api/runs" })
        {
            HttpRequestMessage request = board.Request(HttpMethod.Get, path, withToken: true);
            request.Headers.Host = host;
            Assert.Equal(HttpStatusCode.MisdirectedRequest, await board.StatusOf(request));
        }
    }

    [Fact]
    public async Task The_page_s_own_requests_are_answered()
    {
        await using BoardFixture board = await Open();
        HttpRequestMessage request = board.Request(HttpMethod.Post, "/api/token", withToken: true);
        request.Headers.Add("Origin", board.Address);
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        Assert.Equal(HttpStatusCode.OK, await board.StatusOf(request));
    }

    [Fact]
    public async Task At_an_address_of_others_nothing_of_a_run_is_shown_without_the_token()
    {
        await using var open = new BoardFixture();
        open.Record("one", "supernet");
        await open.Start("0.0.0.0:0");
        string address = open.Address.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);
        foreach (string path in new[] { "/api/runs", "/api/run?path=one", "/api/events" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await open.StatusOf(new HttpRequestMessage(HttpMethod.Get, address + path)));
        }
        var request = new HttpRequestMessage(HttpMethod.Get, $"{address}/api/runs");
        request.Headers.Add("Authorization", $"Bearer {BoardFixture.Token}");
        Assert.Equal(HttpStatusCode.OK, await open.StatusOf(request));
    }

    [Theory]
    [InlineData("/api/stop?path=one")]
    [InlineData("/api/resume?path=one")]
    [InlineData("/api/token")]
    public async Task What_changes_something_is_never_a_get(string path)
    {
        await using BoardFixture board = await Open();
        Assert.Equal(HttpStatusCode.MethodNotAllowed, await board.StatusOf(board.Request(HttpMethod.Get, path, withToken: true)));
    }

    [Fact]
    public async Task The_page_takes_nothing_from_elsewhere()
    {
        await using BoardFixture board = await Open();
        using HttpResponseMessage response = await board.Send(board.Request(HttpMethod.Get, "/"));
        Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        string page = await response.Content.ReadAsStringAsync();
        Assert.Contains("<title>Spos board</title>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http:", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https:", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told()
    {
        await using BoardFixture board = await Open();
        await using var other = new BoardFixture();
        var error = await Assert.ThrowsAsync<Serving.BoardException>(() => other.Start(new Uri(board.Address).Authority));
        Assert.Contains("--listen 127.0.0.1:", error.Message, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:0 takes any port that is free", error.Message, StringComparison.Ordinal);
    }

    private static async Task<BoardFixture> Open()
    {
        var board = new BoardFixture();
        board.Record("one", "supernet");
        return await board.Start();
    }
}

using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Spos.Board.Serving;

namespace Spos.Board.Tests;

/// <summary>A folder of runs, as runs write them, and a board that shows it on a free port of this machine.</summary>
public sealed class BoardFixture : IAsyncDisposable
{
    public const string Token = "a-token-of-the-tests";

    private readonly HttpClient _client = new();
    private BoardServer? _server;

    public string Outside { get; } = Directory.CreateTempSubdirectory("spos-test-").FullName;

    public string Root => Path.Combine(Outside, "runs");

    public string Address => _server!.Address;

    public async Task<BoardFixture> Start(string listen = "127.0.0.1:0")
    {
        Directory.CreateDirectory(Root);
        _server = await BoardServer.Start(new BoardSpec
        {
            Folder = Root,
            Listen = IPEndPoint.Parse(listen),
            Token = Token,
            ResumeArguments = (_, arguments, _) => arguments,
            ResumeCommand = (kind, options, folder) => $"spos {kind} --seed={options["seed"]} --output-dir={folder}",
        });
        return this;
    }

    /// <summary>A file of a run.</summary>
    public string At(string run, string name) => Path.Combine(Root, run, name);

    /// <summary>A folder with run.json, as a run writes it.</summary>
    public void Record(string run, string command, params (string Name, string? Value)[] options)
    {
        Directory.CreateDirectory(Path.Combine(Root, run));
        var all = new Dictionary<string, string?> { ["seed"] = "42" };
        foreach ((string name, string? value) in options) all[name] = value;
        File.WriteAllText(At(run, "run.json"), JsonSerializer.Serialize(new { command, options = all, device_name = "a CPU" }));
    }

    /// <summary>Lines of metrics.jsonl of steps of ten to an epoch.</summary>
    public static string Lines(int first, int count, Func<int, double>? loss = null)
    {
        var text = new StringBuilder();
        for (int step = first; step < first + count; step++)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{{\"step\":{step},\"epoch\":{(step - 1) / 10 + 1},\"loss\":{loss?.Invoke(step) ?? 1.0 / step},"
                + $"\"top1\":0.5,\"learning_rate\":0.1}}\n");
        }
        return text.ToString();
    }

    public HttpRequestMessage Request(HttpMethod method, string path, bool withToken = false)
    {
        var request = new HttpRequestMessage(method, Address + path);
        if (withToken) request.Headers.Add("Authorization", $"Bearer {Token}");
        return request;
    }

    public Task<HttpResponseMessage> Send(HttpRequestMessage request, bool headersOnly = false) =>
        _client.SendAsync(request, headersOnly ? HttpCompletionOption.ResponseHeadersRead : HttpCompletionOption.ResponseContentRead);

    public async Task<HttpStatusCode> StatusOf(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await Send(request);
        return response.StatusCode;
    }

    public async Task<JsonElement> Get(string path)
    {
        using HttpResponseMessage response = await Send(Request(HttpMethod.Get, path));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public Task<JsonElement> Run(string path) => Get($"/api/run?path={Uri.EscapeDataString(path)}");

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_server != null) await _server.DisposeAsync();
        Directory.Delete(Outside, recursive: true);
    }
}

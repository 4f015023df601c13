using System.Collections.Concurrent;
using System.Text.Json;

namespace Spos.Board.Browser;

/// <summary>A page that is open, with all that it asked for and complained of.</summary>
internal sealed class Page : IAsyncDisposable
{
    private readonly DevTools _tools;
    private readonly ConcurrentQueue<string> _requests = new(), _faults = new();

    private Page(DevTools tools)
    {
        _tools = tools;
        tools.OnEvent = Note;
    }

    /// <summary>The addresses of all requests.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Exceptions, and errors and warnings in the console.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    public static async Task<Page> Open(DevTools tools, string address, int width, int height, bool isDark)
    {
        var page = new Page(tools);
        foreach (string domain in new[] { "Page", "Runtime", "Log", "Network" }) await tools.Ask($"{domain}.enable");
        await tools.Ask("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = width < 600 });
        await page.Show(isDark);
        await tools.Ask("Page.navigate", new { url = address });
        await page.Until("location.protocol === 'http:' && document.readyState === 'complete'");
        return page;
    }

    public Task Show(bool isDark) => _tools.Ask("Emulation.setEmulatedMedia", new
    {
        features = new[] { new { name = "prefers-color-scheme", value = isDark ? "dark" : "light" } },
    });

    /// <summary>The value of an expression of JavaScript, of which a promise is waited for.</summary>
    public async Task<JsonElement> Value(string expression)
    {
        JsonElement answer = await _tools.Ask(
            "Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true, userGesture = true });
        Assert.False(answer.TryGetProperty("exceptionDetails", out JsonElement fault), $"{expression}: {fault}");
        return answer.GetProperty("result").TryGetProperty("value", out JsonElement value) ? value.Clone() : default;
    }

    public async Task<string> Text(string selector) =>
        (await Value($"document.querySelector({Quoted(selector)})?.textContent ?? ''")).GetString()!;

    /// <summary>Waits until an expression holds.</summary>
    public Task Until(string expression) => Wait.Until(
        async () => (await Value($"Boolean({expression})")).GetBoolean(), expression);

    /// <summary>Chooses a run, and waits until it is drawn.</summary>
    public async Task Choose(string run)
    {
        string link = $"document.querySelector('[data-run={Quoted(run)}]')";
        await Until(link);
        await Value($"{link}.click()");
        await Until($"{link}.getAttribute('aria-current') === 'true' && document.querySelector('#charts > *')");
    }

    /// <summary>Presses a key of the keyboard: Tab, Enter or Space.</summary>
    public async Task Press(string key)
    {
        (int code, string text) = key switch
        {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "Space" => (32, " "),
            _ => throw new ArgumentException($"unknown key {key}"),
        };
        var pressed = new { type = "keyDown", key = key == "Space" ? " " : key, code = key, windowsVirtualKeyCode = code, text };
        await _tools.Ask("Input.dispatchKeyEvent", pressed);
        await _tools.Ask("Input.dispatchKeyEvent", new { type = "keyUp", pressed.key, pressed.code, pressed.windowsVirtualKeyCode });
    }

    /// <summary>A picture of what is in the window, as PNG.</summary>
    public async Task<byte[]> Picture()
    {
        JsonElement answer = await _tools.Ask("Page.captureScreenshot", new { format = "png" });
        return answer.GetProperty("data").GetBytesFromBase64();
    }

    /// <summary>Nothing was asked for elsewhere, and nothing went wrong.</summary>
    public void IsClean(string address)
    {
        Assert.NotEmpty(_requests);
        Assert.All(_requests, request => Assert.StartsWith($"{address}/", request, StringComparison.Ordinal));
        Assert.Empty(_faults);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.Ask("Page.close");
        await _tools.DisposeAsync();
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text);

    private void Note(string name, JsonElement told)
    {
        switch (name)
        {
            case "Network.requestWillBeSent":
                string address = told.GetProperty("request").GetProperty("url").GetString()!;
                if (address != "about:blank") _requests.Enqueue(address);
                break;
            case "Network.webSocketCreated":
                _requests.Enqueue(told.GetProperty("url").GetString()!);
                break;
            case "Runtime.exceptionThrown":
                _faults.Enqueue(told.GetProperty("exceptionDetails").ToString());
                break;
            case "Runtime.consoleAPICalled" when told.GetProperty("type").GetString() is "error" or "warning" or "assert":
                _faults.Enqueue(told.GetProperty("args").ToString());
                break;
            case "Log.entryAdded" when told.GetProperty("entry").GetProperty("level").GetString() is "error" or "warning":
                _faults.Enqueue(told.GetProperty("entry").ToString());
                break;
        }
    }
}

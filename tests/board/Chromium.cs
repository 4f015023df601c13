using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Spos.Board.Browser;

/// <summary>Headless Chromium with a profile of its own, shared by the tests.</summary>
public sealed class Chromium : IAsyncLifetime
{
    public const string Missing = "Chromium is not installed (apt-get install chromium), and $CHROMIUM does not name it.";

    private readonly string _profile = Directory.CreateTempSubdirectory("spos-chromium-").FullName;
    private Process? _process;
    private int _port;

    /// <summary>The program: what $CHROMIUM names, or what is found by its usual names; null if there is none.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named) return named;
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        string[] names = ["chromium", "chromium-browser", "google-chrome"];
        return names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }

    public async Task InitializeAsync()
    {
        // A test that may be left out says so itself, and then no browser is needed.
        if (Find() is not { } program) return;
        _process = Process.Start(new ProcessStartInfo(program,
        [
            "--headless=new", "--remote-debugging-port=0", $"--user-data-dir={_profile}", "--no-first-run", "--disable-gpu",
            // The browser's own errands would be requests beside the page's. It runs as root in containers, where it has no sandbox.
            "--disable-background-networking", "--disable-component-update", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--force-color-profile=srgb", "about:blank",
        ])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        _ = _process.StandardError.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
        string ports = Path.Combine(_profile, "DevToolsActivePort");
        await Wait.Until(() => File.Exists(ports) && File.ReadAllLines(ports).Length > 1, "Chromium listens");
        _port = int.Parse(File.ReadAllLines(ports)[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Opens a page of its own, as wide and high as asked, and dark or light.</summary>
    internal async Task<Page> Open(string address, int width = 1280, int height = 900, bool isDark = false)
    {
        if (_process == null) throw new InvalidOperationException(Missing);
        using var client = new HttpClient();
        using HttpResponseMessage made = await client.PutAsync(new Uri($"http://127.0.0.1:{_port}/json/new?about:blank"), null);
        made.EnsureSuccessStatusCode();
        JsonElement target = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement;
        DevTools tools = await DevTools.Connect(new Uri(target.GetProperty("webSocketDebuggerUrl").GetString()!));
        return await Page.Open(tools, address, width, height, isDark);
    }

    public async Task DisposeAsync()
    {
        if (_process != null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
        Directory.Delete(_profile, recursive: true);
    }
}

using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;

namespace Spos.Board.Browser;

/// <summary>
/// A page's end of the DevTools protocol: JSON messages, of which an answer has its question's number, and an event has none.
/// </summary>
internal sealed class DevTools : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _asked = new();
    private readonly CancellationTokenSource _closing = new();
    private Task _reading = Task.CompletedTask;
    private int _last;

    /// <summary>Called with each event's name and parameters, in their order.</summary>
    public Action<string, JsonElement> OnEvent { get; set; } = (_, _) => { };

    public static async Task<DevTools> Connect(Uri address)
    {
        var tools = new DevTools();
        await tools._socket.ConnectAsync(address, tools._closing.Token);
        tools._reading = tools.Read();
        return tools;
    }

    /// <summary>Asks, and waits for the answer.</summary>
    public async Task<JsonElement> Ask(string method, object? parameters = null)
    {
        int number = Interlocked.Increment(ref _last);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[number] = answer;
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(new { id = number, method, @params = parameters ?? new { } });
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, _closing.Token);
        }
        finally
        {
            _sending.Release();
        }
        return await answer.Task.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _reading;
        _socket.Dispose();
        _sending.Dispose();
        _closing.Dispose();
    }

    private async Task Read()
    {
        byte[] buffer = new byte[1 << 16];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult part = await _socket.ReceiveAsync(buffer.AsMemory(), _closing.Token);
                if (part.MessageType == WebSocketMessageType.Close) break;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage) continue;
                Take(JsonDocument.Parse(message.ToArray()).RootElement);
                message.SetLength(0);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException)
        {
            // The page was closed.
        }
        foreach (TaskCompletionSource<JsonElement> waiting in _asked.Values)
        {
            waiting.TrySetException(new IOException("The page is closed."));
        }
    }

    private void Take(JsonElement message)
    {
        if (!message.TryGetProperty("id", out JsonElement number))
        {
            OnEvent(message.GetProperty("method").GetString()!, message.GetProperty("params"));
            return;
        }
        if (!_asked.TryRemove(number.GetInt32(), out TaskCompletionSource<JsonElement>? waiting)) return;
        if (message.TryGetProperty("error", out JsonElement error)) waiting.SetException(new IOException(error.ToString()));
        else waiting.SetResult(message.GetProperty("result"));
    }
}

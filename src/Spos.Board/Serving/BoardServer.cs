using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Spos.Board.Processes;
using Spos.Board.Reading;
using Spos.Runs.Reading;

namespace Spos.Board.Serving;

/// <summary>A board that listens.</summary>
public sealed class BoardServer : IAsyncDisposable
{
    // No request has more; nothing is uploaded.
    private const int MostConnections = 256, MostBytesOfBody = 1024;

    private readonly WebApplication _app;
    private readonly RunCatalog _catalog;
    private readonly BoardSpec _spec;
    private readonly RequestGuard _guard;
    private readonly ResumedRuns _resumed;

    private BoardServer(BoardSpec spec)
    {
        _spec = spec;
        _resumed = new ResumedRuns(spec.ResumeArguments);
        _catalog = new RunCatalog(spec.Folder, spec.Time, _resumed.CanResume);
        _guard = new RequestGuard(spec.Token, IPAddress.IsLoopback(spec.Listen.Address));
        // Nothing is taken from files or variables that happen to be there.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = MostBytesOfBody;
            kestrel.Listen(spec.Listen);
        });
        // What pages are told is sent by the thread that has looked: each thread that wakes costs more than to send it.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, OwnLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        _app = builder.Build();
        Map();
    }

    /// <summary>Where the board is found, such as http://127.0.0.1:6780.</summary>
    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Starts to listen.</summary>
    /// <exception cref="BoardException">The address cannot be had.</exception>
    public static async Task<BoardServer> Start(BoardSpec spec)
    {
        var server = new BoardServer(spec);
        _ = Task.Run(server.Prepare);
        try
        {
            await server._app.StartAsync();
            return server;
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            await server.DisposeAsync();
            // The system's own words are in the innermost exception.
            string why = error.GetBaseException().Message.TrimEnd('.');
            throw new BoardException(
                $"--listen {spec.Listen}: {why}. Another board may be there already; {spec.Listen.Address}:0 takes any port that is free.",
                error);
        }
    }

    /// <summary>Stops to listen, and ends all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    // .NET compiles what is called for the first time. While the server starts, another core compiles what the first answers need, by the
    // program's own folder, which has no runs: what is in the board's may take long to read.
    private void Prepare()
    {
        var catalog = new RunCatalog(AppContext.BaseDirectory, _spec.Time, _resumed.CanResume);
        JsonSerializer.SerializeToUtf8Bytes(new RunList(catalog.Root, catalog.Headers(), catalog.IsCut), BoardJson.Default.RunList);
        var header = new RunHeader(
            "", "", "", RunState.Stopped, null, null, null, default, 0, null, "", 0, null, null, null, "", [],
            IsPart: false, CanResume: false);
        var points = new NamedPoints("", 1, new Points([0], [0]));
        JsonSerializer.SerializeToUtf8Bytes(
            new RunDetails(header, null, [points], null, null, null, null, null, null, new Dictionary<string, string>(), []),
            BoardJson.Default.RunDetails);
    }

    private void Map()
    {
        var live = new LiveEvents(_catalog, _app.Lifetime.ApplicationStopping);
        _app.Use(async (context, next) =>
        {
            SetHeaders(context.Response.Headers);
            await next(context);
        });
        foreach ((string path, string name, string type) in PageFiles.All)
        {
            _app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], context =>
                _guard.RefusalOfName(context.Request) is { } refused
                    ? Refuse(context, refused)
                    : PageFiles.Send(context.Response, name, type));
        }
        _app.MapGet("/api/runs", Guarded(changes: false, context =>
            Answer(context, new RunList(_catalog.Root, _catalog.Headers(), _catalog.IsCut), BoardJson.Default.RunList)));
        _app.MapGet("/api/run", Guarded(changes: false, context =>
            PathOf(context) is { } path && _catalog.Of(path, run => run.Details(_spec.ResumeCommand)) is { } details
                ? Answer(context, details, BoardJson.Default.RunDetails)
                : RefuseUnknown(context)));
        _app.MapGet("/api/events", Guarded(changes: false, context => live.Send(context, PathOf(context))));
        // That the page may stop runs and go on with them.
        _app.MapPost("/api/token", Guarded(changes: true, Accept));
        _app.MapPost("/api/stop", Guarded(changes: true, Stop));
        _app.MapPost("/api/resume", Guarded(changes: true, Resume));
    }

    private RequestDelegate Guarded(bool changes, Func<HttpContext, Task> answer) => context =>
        _guard.Refusal(context.Request, changes) is { } refused ? Refuse(context, refused) : answer(context);

    private Task Stop(HttpContext context)
    {
        string? path = PathOf(context);
        if (path == null || !_catalog.Headers().Any(run => run.Path == path)) return RefuseUnknown(context);
        // The run may take its time; the board does not wait for it.
        StopOutcome outcome = _catalog.Of(path, run => run.LockFile) is { } file ? RunProcess.Stop(file) : StopOutcome.NotRunning;
        return outcome switch
        {
            StopOutcome.Asked => Accept(context),
            StopOutcome.NotRunning => Refuse(context, (StatusCodes.Status409Conflict, "The run is not running.")),
            StopOutcome.NotPermitted => Refuse(context, (StatusCodes.Status403Forbidden, "The run is another user's.")),
            _ => Refuse(context, (StatusCodes.Status409Conflict, "The program that runs it does not listen to SIGUSR1.")),
        };
    }

    private async Task Resume(HttpContext context)
    {
        string? path = PathOf(context);
        if (path == null || _catalog.Headers().FirstOrDefault(run => run.Path == path) is not { } header)
        {
            await RefuseUnknown(context);
            return;
        }
        (RunCommand Command, string Lock)? found = _catalog.Of(path, run =>
            header.CanResume && run.Command is { } command && run.LockFile is { } file ? ((RunCommand, string)?)(command, file) : null);
        string? trouble = found is var (command, file)
            ? await _resumed.Resume(command, file)
            : "The board can go on with what it has seen running, and what has stopped since.";
        await (trouble == null ? Accept(context) : Refuse(context, (StatusCodes.Status409Conflict, trouble)));
    }

    // Runs may have the path "", which is the board's folder itself.
    private static string? PathOf(HttpContext context) => context.Request.Query["path"] is [{ } path] ? path : null;

    private static async Task Answer<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = text.Length;
        try
        {
            await context.Response.BodyWriter.WriteAsync(text, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The page was closed.
        }
    }

    private static Task Accept(HttpContext context) => Answer(context, new Accepted(true), BoardJson.Default.Accepted);

    private static Task RefuseUnknown(HttpContext context) => Refuse(context, (StatusCodes.Status404NotFound, "There is no such run."));

    private static Task Refuse(HttpContext context, (int Status, string Why) refused)
    {
        context.Response.StatusCode = refused.Status;
        return Answer(context, new Refused(refused.Why), BoardJson.Default.Refused);
    }

    // The page takes everything from here, and is shown in no other.
    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    // Signals are for the program to take.
    private sealed class OwnLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

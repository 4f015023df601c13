using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Spos.Runs.Phases;
using Spos.Workers.Protocol;
using Spos.Workers.Sharing;

namespace Spos.Workers.Serving;

/// <summary>Listens to workers.</summary>
internal sealed class Coordinator : IAsyncDisposable
{
    // One connection a worker, and what a worker says is no longer than its facts, the scores of a group, the
    // trainings that it has begun, or a piece of a checkpoint.
    private const int MostConnections = 4096, MostBytes = 128 << 10;

    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly X509Certificate2? _certificate;
    private readonly CancellationTokenSource _ends = new();

    private Coordinator(CoordinatorSpec spec, PoolSpec pool, Dispatch dispatch)
    {
        // Nothing is taken from files or variables that happen to be there.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        _certificate = spec.Secret == null ? null : NewCertificate();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1;
            // Nothing for a third of the time, and then no answer for the rest of it.
            kestrel.Limits.Http2.KeepAlivePingDelay = spec.Silence / 3;
            kestrel.Limits.Http2.KeepAlivePingTimeout = spec.Silence * 2 / 3;
            kestrel.Listen(spec.Listen, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (_certificate != null) listen.UseHttps(_certificate);
            });
        });
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = MostBytes);
        builder.Services.AddSingleton(new WorkerService(spec, pool, _certificate, dispatch, _ends.Token));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = LongestStop);
        _app = builder.Build();
        _app.MapGrpcService<WorkerService>();
    }

    /// <summary>Where it listens, such as 127.0.0.1:6781.</summary>
    public string Address
    {
        get
        {
            string address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            return new Uri(address).Authority;
        }
    }

    /// <exception cref="PoolException">The address cannot be had.</exception>
    public static async Task<Coordinator> Start(CoordinatorSpec spec, PoolSpec pool, Dispatch dispatch)
    {
        var coordinator = new Coordinator(spec, pool, dispatch);
        try
        {
            await coordinator._app.StartAsync();
            return coordinator;
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            await coordinator.DisposeAsync();
            throw CannotListen(spec, error);
        }
    }

    /// <summary>Tries whether the address can be had.</summary>
    /// <exception cref="PoolException">It cannot.</exception>
    public static void Require(CoordinatorSpec spec)
    {
        try
        {
            using var socket = new Socket(spec.Listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(spec.Listen);
        }
        catch (SocketException error)
        {
            throw CannotListen(spec, error);
        }
    }

    // The system's own words are in the innermost exception.
    private static PoolException CannotListen(CoordinatorSpec spec, Exception error) => new(
        $"--listen {spec.Listen}: {error.GetBaseException().Message.TrimEnd('.')}. Another run may be there already; "
        + $"{new IPEndPoint(spec.Listen.Address, 0)} takes any port that is free.",
        error);

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _certificate?.Dispose();
        _ends.Dispose();
    }

    // It encrypts, and workers know it by the proof that goes with it: nobody has to trust it, and nothing of it is kept.
    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=spos", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
    }

    // Signals are for the program to take.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

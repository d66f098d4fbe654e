using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Predastore.Http.Hosting;

/// <summary>The S3 door on Kestrel: HTTPS, HTTP/1.1 and HTTP/2. Disposing it lets requests under way end for a while.</summary>
public sealed class S3Endpoint : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);

    private readonly WebApplication _app;

    private S3Endpoint(WebApplication app) => _app = app;

    /// <summary>Where it listens, HTTPS first; with the port that was chosen where 0 was asked for.</summary>
    public IReadOnlyList<Uri> Addresses => [.. _app.Urls.Select(url => new Uri(url))];

    /// <summary>Opens the door.</summary>
    /// <exception cref="IOException">A port cannot be bound.</exception>
    /// <exception cref="NotSupportedException">The runtime's web server has known holes.</exception>
    public static async Task<S3Endpoint> StartAsync(S3EndpointOptions options, CancellationToken cancel)
    {
        RuntimeFloor.Check();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(options.Loggers);
        builder.Services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);

        // The program handles signals: several doors may live in one process.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        var idle = new IdleConnections(options.Limits.IdleConnectionsMax);
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options, idle));
        WebApplication app = builder.Build();
        var pipeline = new RequestPipeline(options);
        app.Run(http => idle.ServeAsync(http, pipeline.HandleAsync));
        await app.StartAsync(cancel);
        return new S3Endpoint(app);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(StopTimeout);
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }

    private static void Configure(KestrelServerOptions kestrel, S3EndpointOptions options, IdleConnections idle)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;

        // Header bytes are signed as they are: each is one character, whatever they encode.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        SetLimits(kestrel.Limits, options.Limits);
        kestrel.ConfigureEndpointDefaults(listen => listen.Use(next => connection => idle.HoldAsync(connection, next)));
        kestrel.Listen(options.Endpoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(options.Certificate, https => https.HandshakeTimeout = options.Limits.Handshake);
        });
        if (options.Plain is { } plain)
            kestrel.Listen(plain, listen => listen.Protocols = HttpProtocols.Http1);
    }

    private static void SetLimits(KestrelServerLimits kestrel, S3Limits limits)
    {
        kestrel.MaxConcurrentConnections = limits.ConnectionsMax;
        kestrel.MaxConcurrentUpgradedConnections = 0;
        kestrel.RequestHeadersTimeout = limits.Headers;
        kestrel.KeepAliveTimeout = limits.Idle;
        kestrel.MinRequestBodyDataRate = new MinDataRate(limits.BodyBytesPerSecondMin, limits.RateGrace);
        kestrel.MinResponseDataRate = new MinDataRate(limits.AnswerBytesPerSecondMin, limits.RateGrace);
        kestrel.MaxRequestLineSize = S3Limits.RequestLineBytesMax;
        kestrel.MaxRequestHeadersTotalSize = S3Limits.HeaderBytesReadMax;
        kestrel.MaxRequestHeaderCount = S3Limits.HeadersReadMax;
        kestrel.MaxRequestBufferSize = S3Limits.BodyBufferBytes;
        kestrel.MaxResponseBufferSize = S3Limits.AnswerBufferBytes;

        // An object may have 5 GiB: operations bound their bodies themselves.
        kestrel.MaxRequestBodySize = null;
        kestrel.Http2.MaxStreamsPerConnection = limits.StreamsPerConnectionMax;
        kestrel.Http2.MaxRequestHeaderFieldSize = S3Limits.RequestLineBytesMax;
        kestrel.Http2.MaxFrameSize = S3Limits.FrameBytesMax;
        kestrel.Http2.InitialConnectionWindowSize = S3Limits.ConnectionWindowBytes;
        kestrel.Http2.InitialStreamWindowSize = S3Limits.StreamWindowBytes;
        kestrel.Http2.KeepAlivePingDelay = limits.Idle;
        kestrel.Http2.KeepAlivePingTimeout = limits.Headers;
    }

    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Predastore.Http.Hosting;

/// <summary>The S3 door on Kestrel: HTTPS, HTTP/1.1 and HTTP/2. Disposing it lets requests under way end for a while.</summary>
public sealed class S3Endpoint : IAsyncDisposable
{
    private const int ConnectionsMax = 20_000;
    private const int HeaderBytesMax = 32 << 10;
    private const int StreamsPerConnectionMax = 128;
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);

    // A client on a slow link is served; one that sends nothing for the grace period is cut.
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(30));

    private readonly WebApplication _app;

    private S3Endpoint(WebApplication app) => _app = app;

    /// <summary>Where it listens, HTTPS first; with the port that was chosen where 0 was asked for.</summary>
    public IReadOnlyList<Uri> Addresses => [.. _app.Urls.Select(url => new Uri(url))];

    /// <summary>Opens the door.</summary>
    /// <exception cref="IOException">A port cannot be bound.</exception>
    public static async Task<S3Endpoint> StartAsync(S3EndpointOptions options, CancellationToken cancel)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(options.Loggers);
        builder.Services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);

        // The program handles signals: several doors may live in one process.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options));
        WebApplication app = builder.Build();
        var pipeline = new RequestPipeline(options);
        app.Run(pipeline.HandleAsync);
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

    private static void Configure(KestrelServerOptions kestrel, S3EndpointOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;

        // Header bytes are signed as they are: each is one character, whatever they encode.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxRequestBodySize = null;
        limits.MaxConcurrentConnections = ConnectionsMax;
        limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
        limits.RequestHeadersTimeout = HeadersTimeout;
        limits.KeepAliveTimeout = KeepAlive;
        limits.MinRequestBodyDataRate = SlowestBody;
        limits.MinResponseDataRate = SlowestBody;
        limits.Http2.MaxStreamsPerConnection = StreamsPerConnectionMax;
        kestrel.Listen(options.Endpoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(options.Certificate);
        });
        if (options.Plain is { } plain)
            kestrel.Listen(plain, listen => listen.Protocols = HttpProtocols.Http1);
    }

    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

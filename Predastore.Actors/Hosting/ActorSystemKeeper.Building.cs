using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Hosting;
using Akka.Hosting.Logging;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Topology;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace Predastore.Actors.Hosting;

public sealed partial class ActorSystemKeeper
{
    // A system that ends soon after it was built is rebuilt ever more slowly: peers that refuse it must not be flooded.
    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HealthyAfter = TimeSpan.FromSeconds(30);

    // Far longer than joining takes: a metadata replica works without membership, and is interrupted by a new system. Where a cluster runs
    // that does not let this node in, it is the connections of this system that do not work, and waiting does not mend them.
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(30);
    private TimeSpan RunningPatience => TimeSpan.FromSeconds(_settings.Timing == TimingProfile.Development ? 6 : 15);

    private async Task KeepAsync(Built built)
    {
        TimeSpan backoff = BackoffMin, patience = RunningPatience;
        while (true)
        {
            long since = _time.GetTimestamp();

            // StopAsync may have begun before it could see a system that was just built.
            if (_stopping.IsCancellationRequested) _ = CoordinatedShutdown.Get(built.System).Run(CoordinatedShutdown.ClrExitReason.Instance);

            // The second wait is for a stop that is cut short: then nobody ends the system.
            Task ended = Task.WhenAny(built.System.WhenTerminated, Task.Delay(Timeout.InfiniteTimeSpan, _cut.Token));
            if (await IsLeftOutAsync(ended, patience))
            {
                // Those that it asks may have ended since; others may be there now.
                Log.NotJoined(_log, Node, Incarnation);
                patience = patience * 2 < JoinPatience ? patience * 2 : JoinPatience;
                await built.System.Terminate();
            }
            else
            {
                patience = RunningPatience;
            }

            await ended;
            if (_stopping.IsCancellationRequested) break;

            Log.SystemEnded(_log, Node, Incarnation, CoordinatedShutdown.Get(built.System).ShutdownReason?.GetType().Name ?? "unknown");
            await ReleaseAsync(built);
            if (_time.GetElapsedTime(since) > HealthyAfter) backoff = BackoffMin;
            if (await RebuildAsync(backoff) is not { } next) return;
            built = next;
            backoff = Longer(backoff);
        }

        await built.System.WhenTerminated.WaitAsync(StopGrace).ContinueWith(static _ => { }, TaskScheduler.Default);
        await ReleaseAsync(built);
    }

    // True if a system has not joined though it had the time to; false once it has, or has ended, or the node stops.
    private async Task<bool> IsLeftOutAsync(Task ended, TimeSpan patience)
    {
        long since = _time.GetTimestamp();
        try
        {
            bool isLast;
            do
            {
                TimeSpan left = JoinPatience - _time.GetElapsedTime(since);
                isLast = left <= patience;
                if (await Task.WhenAny(ended, Task.Delay(isLast ? left : patience, _time, _stopping.Token)) == ended || _stopping.IsCancellationRequested)
                    return false;
                if (IsUp) return false;
            }
            while (!isLast && (await _seeds.RunningAsync(_stopping.Token)).Count == 0);
            return !IsUp;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Tries until it works or the node stops; null then.</summary>
    private async Task<Built?> RebuildAsync(TimeSpan backoff)
    {
        while (true)
        {
            try
            {
                await Task.Delay(backoff, _time, _stopping.Token);
                return await BuildAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
            catch (Exception e)
            {
                Log.RebuildFailed(_log, Node, e);
                backoff = Longer(backoff);
            }
        }
    }

    private static TimeSpan Longer(TimeSpan backoff) => backoff * 2 < BackoffMax ? backoff * 2 : BackoffMax;

    // A system whose stop was cut short is left to die alone for this long.
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(1);

    private async Task<Built> BuildAsync(CancellationToken cancellation)
    {
        await RequirePortAsync(cancellation);
        IReadOnlyList<uint> seeds = await _seeds.FindAsync(cancellation);
        ServiceProvider services = Services();
        ActorSystem? system = null;
        try
        {
            system = services.GetRequiredService<ActorSystem>();
            var built = new Built(services, system);
            int incarnation = Interlocked.Increment(ref _incarnation);
            lock (_gate) _built = built;

            // No request begins on a system that is going down.
            CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "mark-down", () =>
            {
                MarkDown();
                return Task.FromResult(Akka.Done.Instance);
            });
            foreach (IHostedService hosted in services.GetServices<IHostedService>()) await hosted.StartAsync(cancellation);
            system.ActorOf(QuarantineWatch.Props(_settings), "quarantine-watch");
            Cluster.Get(system).RegisterOnMemberUp(() => MarkUp(built));
            Log.SystemBuilt(_log, Node, incarnation, _settings.Address);
            _ = JoinAsync(system, seeds);
            return built;
        }
        catch
        {
            if (system is not null) await system.Terminate();
            await services.DisposeAsync();
            lock (_gate) _built = null;
            throw;
        }
    }

    private async Task JoinAsync(ActorSystem system, IReadOnlyList<uint> seeds)
    {
        try
        {
            await _seeds.WaitListeningAsync(seeds, _stopping.Token);
            Cluster.Get(system).JoinSeedNodes(seeds.Select(_settings.AkkaAddress));
        }
        catch (OperationCanceledException)
        {
            // It stops, and need not join.
        }
    }

    private ServiceProvider Services()
    {
        var services = new ServiceCollection();
        services.AddSingleton(_loggers);
        services.AddLogging();
        services.AddSingleton<IHostApplicationLifetime>(new NoLifetime());
        services.AddAkka(NodeConfiguration.SystemName, (builder, _) =>
        {
            builder.AddSetup(new LoggerFactorySetup(_loggers));
            builder.WithPredastoreNode(_settings);
            // Last: what stands here is laid over the files.
            builder.ConfigureLoggers(loggers =>
            {
                loggers.ClearLoggers();
                loggers.AddLogger<ActorLog>();
                if (_loggers.CreateLogger(nameof(Akka)).IsEnabled(LogLevel.Trace))
                    loggers.LogLevel = Akka.Event.LogLevel.DebugLevel;
            });
            builder.WithTopology(_topology);
            _compose(builder);
        });
        return services.BuildServiceProvider();
    }

    /// <summary>
    /// Finds out whether the port is free before an actor system is half built: its own error is a stack trace, and what it has
    /// started by then would stay.
    /// </summary>
    private async Task RequirePortAsync(CancellationToken cancellation)
    {
        try
        {
            var listener = new TcpListener(await _settings.ListenAtAsync(cancellation));
            listener.Start();
            listener.Stop();
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {_settings.BindHost ?? _settings.Address.Host}:{_settings.Address.Port} (cluster control port): {e.Message}", e);
        }
    }

    private async Task ReleaseAsync(Built built)
    {
        MarkDown();
        lock (_gate)
        {
            if (_built == built) _built = null;
        }

        _topology.Forget();
        await built.Services.DisposeAsync();
    }

    private void MarkUp(Built built)
    {
        lock (_gate)
        {
            if (_built != built || built.GoingDown) return;
            _isUp = true;
            _up.TrySetResult(built.System);
        }

        Log.NodeUp(_log, Node, Incarnation);
    }

    private void MarkDown()
    {
        lock (_gate)
        {
            if (_built is { } built) built.GoingDown = true;
            _isUp = false;
            if (_up.Task.IsCompleted) _up = NewSignal();
        }
    }

    private sealed class Built(ServiceProvider services, ActorSystem system)
    {
        public ServiceProvider Services { get; } = services;

        public ActorSystem System { get; } = system;

        public bool GoingDown { get; set; }
    }

    /// <summary>The end of one actor system is not the end of the program.</summary>
    private sealed class NoLifetime : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication()
        {
        }
    }
}

using Akka.Actor;
using Akka.Cluster;
using Akka.Hosting;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Topology;
using Predastore.Actors.Topology.Wire;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Keeps one node's actor system running: builds it, watches it, and builds a new one when the cluster has removed it. A removed
/// system cannot rejoin (its peers have quarantined it), and a process that only sat there would look alive and serve nothing.
/// </summary>
/// <remarks>Start and stop are called once, by the host; everything else is thread-safe.</remarks>
public sealed partial class ActorSystemKeeper : IHostedService, INodeSystem, IAsyncDisposable
{
    private readonly NodeSettings _settings;
    private readonly Action<AkkaConfigurationBuilder> _compose;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly NodeTopology _topology;
    private readonly SeedFinder _seeds;
    private readonly CancellationTokenSource _stopping = new();

    // Apart from _stopping: a stop in good order needs the system for as long as its drains and its leaving take.
    private readonly CancellationTokenSource _cut = new();
    private readonly Lock _gate = new();

    private Built? _built;
    private TaskCompletionSource<ActorSystem> _up = NewSignal();
    private Task _watch = Task.CompletedTask;
    private int _incarnation;
    private volatile bool _isUp;
    private bool _disposed;

    /// <param name="settings">The node.</param>
    /// <param name="compose">Adds the node's actors; called for every actor system that is built.</param>
    /// <param name="loggers">Where the actor system logs to.</param>
    /// <param name="time">Clock of back-off and suspicion; the system's by default.</param>
    /// <exception cref="ArgumentException">The settings contradict each other.</exception>
    public ActorSystemKeeper(
        NodeSettings settings, Action<AkkaConfigurationBuilder> compose, ILoggerFactory loggers, TimeProvider? time = null)
    {
        settings.Validate();
        _settings = settings;
        _compose = compose;
        _loggers = loggers;
        _log = loggers.CreateLogger<ActorSystemKeeper>();
        _time = time ?? TimeProvider.System;
        _topology = new NodeTopology(settings, _time);
        _seeds = new SeedFinder(settings, _time);
    }

    /// <inheritdoc/>
    public uint Node => _settings.Node;

    /// <inheritdoc/>
    public ActorSystem? Current
    {
        get { lock (_gate) return _built?.System; }
    }

    /// <inheritdoc/>
    public bool IsUp => _isUp;

    /// <inheritdoc/>
    public int Incarnation => Volatile.Read(ref _incarnation);

    /// <summary>What this node knows of the others; it outlives every single actor system.</summary>
    public ITopology Topology => _topology;

    /// <summary>What this node believes of the cluster, for <see cref="NodeSettings.ProbeAside"/> of another one.</summary>
    public byte[] DescribeTopology()
    {
        Probe probe = _topology.Describe();
        probe.Listens = Current is not null;
        return probe.ToByteArray();
    }

    /// <inheritdoc/>
    public Task<ActorSystem> WhenUpAsync(CancellationToken cancellation)
    {
        lock (_gate) return _up.Task.WaitAsync(cancellation);
    }

    /// <summary>Builds the first actor system; returns when its actors run, whether or not it has joined the cluster yet.</summary>
    /// <exception cref="IOException">The control port cannot be bound.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Built built = await BuildAsync(cancellationToken);
        _watch = Task.Run(() => KeepAsync(built), CancellationToken.None);
    }

    /// <summary>
    /// Drains, leaves the cluster and ends the actor system. Takes at most the sum of the phases' timeouts, and is cut short by the
    /// token: then the node is gone as if it had been killed, which is safe.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration limit = cancellationToken.Register(_cut.Cancel);
        await _stopping.CancelAsync();
        Built? built;
        lock (_gate) built = _built;
        if (built is not null)
        {
            try
            {
                await CoordinatedShutdown.Get(built.System).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Log.StopCutShort(_log, Node);
            }
        }

        await _watch;
    }

    /// <summary>Ends the actor system without leaving the cluster, as if the process had died; after <see cref="StopAsync"/> it does
    /// nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        await _stopping.CancelAsync();
        await _cut.CancelAsync();
        MarkDown();
        if (Current is { } system) await system.Terminate();
        await _watch;
        _stopping.Dispose();
        _cut.Dispose();
    }

    private static TaskCompletionSource<ActorSystem> NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

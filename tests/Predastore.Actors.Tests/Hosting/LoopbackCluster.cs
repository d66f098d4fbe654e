using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Hosting;
using Predastore.Actors.Serialization;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Tests.Hosting;

/// <summary>
/// Nodes of one cluster in this process, on addresses of 127.0.0.0/8 of their own and over mutual TLS. Every test that needs actor
/// systems that really talk uses it; disposing it ends them all.
/// </summary>
internal sealed class LoopbackCluster : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly ConcurrentDictionary<uint, ActorSystemKeeper> _keepers = [];
    private readonly Action<uint, AkkaConfigurationBuilder> _compose;
    private readonly Config? _overrides;
    private readonly WireProtocol[] _protocols;
    private readonly List<ClusterTrust> _trusts = [];

    public LoopbackCluster(
        int nodes,
        Action<uint, AkkaConfigurationBuilder>? compose = null,
        string overrides = "",
        int dbNodes = int.MaxValue,
        params WireProtocol[] protocols)
    {
        _compose = compose ?? ((_, _) => { });
        _overrides = ConfigurationFactory.ParseString(overrides);
        _protocols = protocols;
        (string net, int port) = FreeNet(nodes);
        Net = net;
        Port = port;
        Nodes = Enumerable.Range(1, nodes).ToDictionary(n => (uint)n, n => new ControlAddress($"{net}.{n}", port));
        DbNodes = [.. Nodes.Keys.Take(dbNodes)];
        Ca = DevelopmentCa.Create("test cluster");
    }

    public string Net { get; }

    public int Port { get; }

    public DevelopmentCa Ca { get; }

    public IReadOnlyDictionary<uint, ControlAddress> Nodes { get; }

    public IReadOnlyList<uint> DbNodes { get; }

    public RecordingLoggers Logs { get; } = new();

    public ActorSystemKeeper this[uint node] => _keepers[node];

    public NodeSettings Settings(uint node) => new()
    {
        Node = node,
        Nodes = Nodes,
        DbNodes = [.. DbNodes],
        StorageNodes = Nodes.Keys.ToDictionary(n => 100 + n),
        Trust = Trust(node),
        Timing = TimingProfile.Development,
        Protocols = _protocols,
        Overrides = _overrides,
        ProbeAside = (other, _) => Task.FromResult(_keepers[other].DescribeTopology()),
    };

    public ClusterTrust Trust(uint node)
    {
        IssuedCertificate issued = Ca.IssueNode(node, [$"{Net}.{node}"]);
        var trust = ClusterTrust.Load(Ca.CertificatePem, issued.CertificatePem, issued.KeyPem);
        trust.Members = Nodes.Keys.ToHashSet();
        _trusts.Add(trust);
        return trust;
    }

    /// <summary>
    /// Starts one node, without waiting for it to be up; <paramref name="seeds"/> only for tests of a wrong start, and only for its first
    /// actor system.
    /// </summary>
    public async Task<ActorSystemKeeper> StartAsync(uint node, params uint[] seeds)
    {
        bool first = true;
        var keeper = new ActorSystemKeeper(
            Settings(node),
            builder =>
            {
                _compose(node, builder);
                if (seeds.Length == 0 || !first) return;
                first = false;
                string list = string.Join(',', seeds.Select(seed => $"\"akka.tls://predastore@{Nodes[seed]}\""));
                builder.AddHocon(ConfigurationFactory.ParseString($"akka.cluster.seed-nodes = [{list}]"), HoconAddMode.Prepend);
            },
            Logs);
        await keeper.StartAsync(CancellationToken.None);
        _keepers[node] = keeper;
        return keeper;
    }

    /// <summary>Starts all nodes, the first one first, and waits until each sees all of them.</summary>
    public async Task StartAllAsync()
    {
        foreach (uint node in Nodes.Keys.Order()) await StartAsync(node);
        await AllSeeAllAsync();
    }

    public Task AllSeeAllAsync() => Eventually(
        () => _keepers.Values.All(k => k.IsUp && Nodes.Keys.All(n => k.Topology.View.IsAlive(n))),
        () => "not all nodes see all nodes: " + string.Join("; ", _keepers.Values.Select(Describe)));

    /// <summary>Stops a node gracefully.</summary>
    public async Task StopAsync(uint node)
    {
        using var limit = new CancellationTokenSource(Patience);
        await _keepers[node].StopAsync(limit.Token);
        _keepers.TryRemove(node, out _);
    }

    /// <summary>Ends a node as if its process had died.</summary>
    public async Task KillAsync(uint node)
    {
        ActorSystemKeeper keeper = _keepers[node];
        _keepers.TryRemove(node, out _);
        await keeper.DisposeAsync();
    }

    /// <summary>Polls a condition until it holds; fails with a description after <see cref="Patience"/>.</summary>
    public async Task Eventually(Func<bool> condition, Func<string> otherwise, TimeSpan? patience = null)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > (patience ?? Patience))
                throw new TimeoutException(otherwise() + "\n" + string.Join('\n', Logs.Lines.TakeLast(60)));
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_keepers.Values.Select(keeper => keeper.DisposeAsync().AsTask()));
        foreach (ClusterTrust trust in _trusts) trust.Dispose();
        Ca.Dispose();
    }

    private static string Describe(ActorSystemKeeper keeper) =>
        $"{keeper.Node} up={keeper.IsUp} sees {string.Join(',', keeper.Topology.View.Nodes.Values.Select(n => $"{n.Node}:{n.Up}/{n.Reachable}"))}";

    /// <summary>A /24 of loopback, and a port that is free on its first addresses.</summary>
    private static (string Net, int Port) FreeNet(int nodes)
    {
        while (true)
        {
            string net = $"127.{Random.Shared.Next(20, 250)}.{Random.Shared.Next(1, 250)}";
            int port = Random.Shared.Next(20_000, 30_000);
            try
            {
                foreach (int n in Enumerable.Range(1, nodes))
                {
                    using var probe = new TcpListener(IPAddress.Parse($"{net}.{n}"), port);
                    probe.Start();
                }

                return (net, port);
            }
            catch (SocketException)
            {
                // Taken: try another.
            }
        }
    }
}

/// <summary>Keeps log lines for assertions and failing tests.</summary>
internal sealed class RecordingLoggers : ILoggerFactory
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Recorder(RecordingLoggers owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            owner._lines.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {logLevel} {category}: {formatter(state, exception)} {exception}");
        }
    }
}

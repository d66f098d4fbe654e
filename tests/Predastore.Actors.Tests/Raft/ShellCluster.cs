using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Predastore.Actors.Raft;
using Predastore.Actors.Serialization;
using Predastore.Actors.Stores;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>
/// Replicas of one group, each in an actor system of its own: real remoting on loopback, real journals in temporary folders, an
/// in-process data plane.
/// </summary>
internal sealed class ShellCluster : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly string _root = Directory.CreateTempSubdirectory("raft-shell-").FullName;
    private readonly InProcessHub _hub = new();
    private readonly Dictionary<uint, ShellNode> _nodes = [];
    private readonly Func<RaftShellSettings, RaftShellSettings> _shell;
    private readonly string _net;
    private readonly int _port;
    private readonly uint _count;

    public ShellCluster(uint nodes, Func<RaftShellSettings, RaftShellSettings>? shell = null)
    {
        _count = nodes;
        _shell = shell ?? (settings => settings);
        (_net, _port) = FreeNet(nodes);
    }

    public ShellNode this[uint node] => _nodes[node];

    public IEnumerable<ShellNode> Running => _nodes.Values;

    public string DataPath(uint node) => Path.Combine(_root, $"node-{node}");

    public void StartAll()
    {
        for (uint node = 1; node <= _count; node++)
            Start(node);
    }

    /// <param name="node">Node number.</param>
    /// <param name="lost">True if its folder is known to be lost.</param>
    public ShellNode Start(uint node, bool lost = false)
    {
        var databases = new FailingKvFactory();
        var machine = new ListMachine(Path.Combine(DataPath(node), "state"));
        RaftReplica replica = RaftReplica.Open(new RaftReplicaSettings
        {
            Node = node,
            DbNodes = [.. Enumerable.Range(1, (int)_count).Select(n => (uint)n)],
            ControlAddress = n => new Address("akka.tcp", "predastore", $"{_net}.{n}", _port),
            DataPeer = n => new Peer(n, $"{_net}.{n}", _port),
            DataPath = DataPath(node),
            Machine = machine,
            Client = new ShardClient(_hub.Transport(node)),
            Databases = databases,
            AcceptLoss = lost,
            BootstrapInterval = TimeSpan.FromMilliseconds(100),
            Shell = settings => _shell(settings with { TickInterval = TimeSpan.FromMilliseconds(50) }),
        });
        var service = new ShardService();
        replica.Serve(service);
        ITransportListener listener = _hub.Listen($"{_net}.{node}", _port, node, new ShardServer(service).HandleAsync);
        Config config = ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = WARNING
              stdout-loglevel = OFF
              log-dead-letters = off
              log-serializer-override-on-start = off
              actor.provider = remote
              remote.dot-netty.tcp { hostname = "{{_net}}.{{node}}", port = {{_port}} }
            }
            """).WithFallback(RaftHosting.Configuration);
        ActorSystem system = ActorSystem.Create("predastore", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(config), ProtobufSerializer.Setup(RaftProtocol.Messages), replica.Journal));
        replica.Attach(system);
        return _nodes[node] = new ShellNode(replica, machine, databases, system, listener);
    }

    /// <summary>Ends a replica; what it holds stays on its disk.</summary>
    public async Task StopAsync(uint node)
    {
        if (_nodes.Remove(node, out ShellNode? stopped))
            await stopped.DisposeAsync();
    }

    /// <summary>The leader that every running replica of the group follows.</summary>
    public async Task<ShellNode> LeaderAsync()
    {
        ShellNode? leader = null;
        await UntilAsync("one leader", () =>
        {
            RaftStatus[] all = [.. Running.Select(node => node.Group.Status).Where(status => !status.Outside)];
            if (all.Any(status => status.Phase != RaftPhase.Running || status.Leader is null) || all.Select(s => s.Leader).Distinct().Count() != 1)
                return false;
            return _nodes.TryGetValue(all[0].Leader!.Value, out leader)
                && leader.Group.Status is { Role: Actors.Raft.Core.RaftRole.Leader };
        });
        return leader!;
    }

    /// <summary>Proposes until it is applied; only for commands that may be applied twice.</summary>
    public static async Task<ProposeResult> ProposeAsync(ShellNode node, string command)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            ProposeResult result = await node.Group.Propose(Encoding.UTF8.GetBytes(command), TimeSpan.FromSeconds(10));
            if (result.Outcome == ProposeOutcome.Applied)
                return result;
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"'{command[..Math.Min(20, command.Length)]}' was not applied: {result.Outcome} {result.Reason}");
            await Task.Delay(50);
        }
    }

    /// <summary>A linearizable read, asked again while there is no leader.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(ShellNode node)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await node.Group.ReadIndex(TimeSpan.FromSeconds(10));
                return node.Machine.Lines;
            }
            catch (TimeoutException) when (Stopwatch.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(50);
            }
        }
    }

    public async Task UntilAsync(string what, Func<bool> holds)
    {
        long start = Stopwatch.GetTimestamp();
        while (!holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience,
                $"no {what}: {string.Join("; ", Running.Select(node => node.Group.Status))}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (uint node in _nodes.Keys.ToArray())
            await StopAsync(node);
        _hub.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private static (string Net, int Port) FreeNet(uint nodes)
    {
        while (true)
        {
            string net = $"127.{Random.Shared.Next(20, 250)}.{Random.Shared.Next(1, 250)}";
            int port = Random.Shared.Next(20_000, 30_000);
            try
            {
                for (uint node = 1; node <= nodes; node++)
                {
                    using var probe = new TcpListener(IPAddress.Parse($"{net}.{node}"), port);
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

/// <summary>One running replica.</summary>
internal sealed record ShellNode(
    RaftReplica Replica, ListMachine Machine, FailingKvFactory Databases, ActorSystem System, ITransportListener Listener) : IAsyncDisposable
{
    public RaftGroup Group => Replica.Group;

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        await System.Terminate().WaitAsync(ShellCluster.Patience);
        await Replica.DisposeAsync();
    }
}

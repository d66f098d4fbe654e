using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Raft.Journal;
using Predastore.Actors.Serialization;
using Predastore.Shards.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

/// <summary>One replica, node 1 of three, with a real journal; the test speaks for the others.</summary>
internal sealed class ShellBench : IRaftPeers, IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _root = Directory.CreateTempSubdirectory("raft-bench-").FullName;
    private readonly ActorSystem _system;
    private readonly ReplicaId[] _ids = [.. Enumerable.Range(1, 3).Select(n => new ReplicaId((uint)n, 1))];
    private readonly ByteString _cluster = ByteString.CopyFrom(new byte[16]);
    private readonly Func<RaftShellSettings, RaftShellSettings> _shell;
    private IActorRef _actor = ActorRefs.Nobody;

    public ShellBench(Func<RaftShellSettings, RaftShellSettings>? shell = null)
    {
        _shell = shell ?? (settings => settings);
        Config config = ConfigurationFactory.ParseString("""
            akka { loglevel = WARNING, stdout-loglevel = OFF, log-dead-letters = off, log-serializer-override-on-start = off }
            """).WithFallback(RaftHosting.Configuration);
        _system = ActorSystem.Create("bench", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(config), ProtobufSerializer.Setup(RaftProtocol.Messages),
            new JournalSetup(new RocksKvFactory(), Path.Combine(_root, "journal"))));
        Machine = new ListMachine(StatePath);
    }

    public string StatePath => Path.Combine(_root, "state");

    public ListMachine Machine { get; }

    public RaftGroup Group { get; } = new();

    public ConcurrentQueue<(uint Node, IMessage Message)> Sent { get; } = [];

    /// <summary>What ends the sending of each snapshot so far; else it never ends.</summary>
    public ConcurrentQueue<CancellationToken> Snapshots { get; } = [];

    /// <summary>Starts the replica, or starts it again.</summary>
    public async Task StartAsync()
    {
        if (!_actor.IsNobody())
            await StopAsync();
        Begin();
        await UntilAsync(() => Group.Status.Phase == RaftPhase.Running);
    }

    /// <summary>Starts the replica without waiting for it, after the one before has ended.</summary>
    public void Begin()
    {
        var settings = new RaftShellSettings(_ids[0], _cluster, new Membership(_ids, []), new ReplicaStart(1, 0), Machine, this, 7)
        {
            TickInterval = TimeSpan.FromHours(1),
        };
        _actor = _system.ActorOf(RaftActor.Props(_shell(settings), Group));
    }

    /// <summary>Stops the replica.</summary>
    public async Task StopAsync() => Assert.True(await _actor.GracefulStop(Patience));

    /// <summary>A message of another replica.</summary>
    public void From(uint node, RaftMessage message)
    {
        message.ClusterId = _cluster;
        message.From = _ids[node - 1].ToWire();
        message.To = _ids[0].ToWire();
        Group.Deliver(message);
    }

    /// <summary>Makes a node the leader that the replica follows.</summary>
    public async Task FollowAsync(uint node, ulong term)
    {
        From(node, new RaftMessage { Type = MessageType.MessageHeartbeat, Term = term });
        await UntilAsync(() => Group.Status.Leader == node && Group.Status.Term == term);
    }

    /// <summary>Makes the replica the leader, in the term after that of the leader it follows.</summary>
    public async Task LeadAsync(uint followed, ulong term)
    {
        await FollowAsync(followed, term);
        From(followed, new RaftMessage { Type = MessageType.MessageTimeoutNow, Term = term });
        await UntilAsync(() => Group.Status.Role == RaftRole.Candidate);
        From(followed, new RaftMessage { Type = MessageType.MessageVoteReply, Term = term + 1 });
        await UntilAsync(() => Group.Status.Role == RaftRole.Leader);
    }

    /// <summary>The n-th message of a type sent to a node, from 0.</summary>
    public async Task<T> SentAsync<T>(int n)
        where T : IMessage
    {
        await UntilAsync(() => Sent.Count(sent => sent.Message is T) > n);
        return Sent.Select(sent => sent.Message).OfType<T>().ElementAt(n);
    }

    public static async Task UntilAsync(Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!holds())
            await Task.Delay(5, limit.Token);
    }

    public void Send(uint node, IMessage message) => Sent.Enqueue((node, message));

    public Task<bool> SendSnapshotAsync(uint node, RaftMessage message, ISnapshotSource snapshot, CancellationToken cancel)
    {
        Snapshots.Enqueue(cancel);
        return Task.Delay(Timeout.InfiniteTimeSpan, cancel).ContinueWith(_ => false, TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        Directory.Delete(_root, recursive: true);
    }
}

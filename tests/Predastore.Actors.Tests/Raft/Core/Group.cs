using System.Text;
using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Tests.Raft.Core;

/// <summary>Replicas whose messages a test delivers by hand: what is written is durable at once.</summary>
internal sealed class Group
{
    public static readonly ByteString Cluster = ByteString.CopyFrom(new byte[16]);

    private readonly Dictionary<uint, RaftNode> _nodes = [];

    public Group(int voters, RaftSettings? settings = null)
    {
        ReplicaId[] ids = [.. Enumerable.Range(1, voters).Select(n => Id((uint)n))];
        foreach (ReplicaId id in ids)
            _nodes[id.Node] = Create(id, new Membership(ids, []), settings);
    }

    public RaftNode this[uint node] => _nodes[node];

    public List<RaftMessage> Wire { get; } = [];

    public Dictionary<uint, List<string>> Applied { get; } = [];

    public Dictionary<uint, List<ReadState>> Reads { get; } = [];

    public static ReplicaId Id(uint node) => new(node, 1);

    public static RaftNode Create(ReplicaId id, Membership members, RaftSettings? settings = null)
        => new(id, Cluster, new RaftState(1, ReplicaId.None, new RaftLog(1, 1, members)), 1, settings ?? new RaftSettings(), id.Node);

    public void Add(RaftNode node) => _nodes[node.Id.Node] = node;

    /// <summary>Ticks one node until it campaigns, and delivers everything.</summary>
    public void Elect(uint node)
    {
        for (int i = 0; i < 40 && _nodes[node].Role == RaftRole.Follower; i++)
        {
            _nodes[node].Tick();
            if (_nodes[node].HasReady)
                break;
        }

        Deliver();
    }

    /// <summary>Has a node campaign although a leader is heard, as at a transfer.</summary>
    public void Force(uint node)
    {
        _nodes[node].Step(new RaftMessage
        {
            Type = MessageType.MessageTimeoutNow, Term = _nodes[node].Term, ClusterId = Cluster, From = Id(1).ToWire(), To = Id(node).ToWire(),
        });
        Deliver();
    }

    /// <summary>Silence long enough for everybody to forget the leader, without anybody campaigning.</summary>
    public static void Forget(RaftNode node, int ticks)
    {
        for (int i = 0; i < ticks; i++)
            node.Tick();
    }

    /// <summary>Takes what a node wants sent onto the wire.</summary>
    public void Collect(RaftNode node)
    {
        while (node.HasReady)
        {
            Ready ready = node.TakeReady();
            Wire.AddRange(ready.SendNow);
            node.Persisted(ready);
            Wire.AddRange(ready.SendAfterPersist);
            Applied.TryAdd(node.Id.Node, []);
            Applied[node.Id.Node].AddRange(ready.Committed
                .Where(e => e.Kind == EntryKind.EntryCommand).Select(e => Encoding.UTF8.GetString(e.Data.Span)));
            Reads.TryAdd(node.Id.Node, []);
            Reads[node.Id.Node].AddRange(ready.Reads);
        }
    }

    /// <summary>Delivers messages until there are none, save those to or from nodes that are cut off.</summary>
    public void Deliver(params uint[] cutOff)
    {
        for (int i = 0; i < 10_000; i++)
        {
            foreach (RaftNode node in _nodes.Values)
                Collect(node);
            if (Wire.Count == 0)
                return;
            RaftMessage message = Wire[0];
            Wire.RemoveAt(0);
            bool lost = cutOff.Contains(message.From.Node) || cutOff.Contains(message.To.Node);
            if (!lost && _nodes.TryGetValue(message.To.Node, out RaftNode? to))
                to.Step(message);
        }

        throw new InvalidOperationException("the messages do not end");
    }

    public static ByteString Text(string text) => ByteString.CopyFromUtf8(text);
}

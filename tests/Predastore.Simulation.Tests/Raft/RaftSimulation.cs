using System.Globalization;
using System.Text;
using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>
/// A whole group on a virtual clock, on one thread: the same seed gives the same run. First trouble of every kind, with the oracles
/// after each step; then everything is healed, and the group has to be of one mind and to take commands again.
/// </summary>
internal sealed partial class RaftSimulation
{
    private const int TickMs = 100;
    private const long TroubledMs = 60_000;
    private const long HealedMs = 30_000;

    /// <summary>Delay and disk of the healed group: slower ones would only measure how long a backlog takes.</summary>
    private const int HealedMeanMs = 10;

    private readonly SimSettings _settings;
    private readonly RaftSettings _raft;
    private readonly PriorityQueue<Action, (long Time, long Order)> _queue = new();
    private readonly SortedDictionary<ReplicaId, SimReplica> _replicas = [];
    private readonly HashSet<(uint From, uint To)> _cut = [];
    private readonly ByteString _cluster = ByteString.CopyFrom(new byte[16]);
    private SplitMix _random;
    private long _now;
    private long _order;
    private bool _healed;
    private int _commands;
    private int _folders;
    private ulong _hash = SimMachine.Empty.Hash;

    public RaftSimulation(SimSettings settings)
    {
        _settings = settings;
        _random = new SplitMix(settings.Seed);
        _oracles = new RaftOracles(id => _replicas.GetValueOrDefault(id), () => _now) { Founded = 1, OnCommitted = Retire };
        _raft = new RaftSettings
        {
            MessageBytesMax = settings.MessageBytesMax,
            InflightMax = settings.InflightMax,
            Fault = settings.Fault,
        };
        ReplicaId[] voters = [.. Enumerable.Range(1, settings.Voters).Select(n => new ReplicaId((uint)n, 1))];
        Configuration configuration = new Membership(voters, []).ToWire();
        foreach (ReplicaId id in voters)
        {
            SimReplica replica = Add(id);
            replica.Found(configuration);
            Start(replica);
        }
    }

    /// <summary>Grows with everything that happened: equal for equal seeds.</summary>
    public ulong Trace => _hash;

    /// <summary>Commands acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Reads served.</summary>
    public int ReadsServed { get; private set; }

    /// <exception cref="InvariantException">With the seed in its message.</exception>
    public void Run()
    {
        try
        {
            After(_settings.ProposalMs, Work);
            After(_settings.TroubleMs, Trouble);
            RunUntil(TroubledMs);
            Heal();
            RunUntil(TroubledMs + HealedMs);
            CheckConverged();
        }
        catch (Exception e) when (e is not InvariantException { Data.Count: > 0 })
        {
            throw new InvariantException($"{e.Message} at {_now} ms; {_settings}\n{Describe()}\n{e.StackTrace}");
        }
    }

    private void RunUntil(long end)
    {
        while (_queue.TryPeek(out _, out (long Time, long Order) next) && next.Time <= end)
        {
            Action action = _queue.Dequeue();
            _now = next.Time;
            action();
        }

        _now = end;
    }

    private void After(long milliseconds, Action action) => _queue.Enqueue(action, (_now + Math.Max(1, milliseconds), _order++));

    private bool Chance(int perMille) => _random.Next(1000) < perMille;

    private int Exponential(int mean)
    {
        // Sum of geometric steps: small numbers often, large ones sometimes, no floating point.
        int value = 1;
        while (value < mean * 10 && _random.Next(mean + 1) != 0)
            value++;
        return value;
    }

    private SimReplica Add(ReplicaId id) => _replicas[id] = new SimReplica(id);

    private void Start(SimReplica replica)
    {
        replica.Start(_cluster, _raft, _random.Next());
        Tick(replica, replica.Life);
        Pump(replica);
    }

    private void Tick(SimReplica replica, int life)
    {
        if (replica.Life != life || replica.Node is null)
            return;
        replica.Node.Tick();
        Pump(replica);

        // Clocks run at different speeds.
        After(TickMs - 10 + _random.Next(21), () => Tick(replica, life));
    }

    /// <summary>The shell: takes what the node wants done and does it in the order it asks for.</summary>
    private void Pump(SimReplica replica)
    {
        RaftNode node = replica.Node!;
        _oracles.Observe(replica);
        AskNewLeader(replica);
        if (replica.Writing || !node.HasReady)
            return;
        Ready ready = node.TakeReady();
        foreach (RaftMessage message in ready.SendNow)
            Send(replica, message);
        if (ready.Persist is null)
        {
            Finish(replica, ready);
            return;
        }

        int life = replica.Life;
        replica.Writing = true;
        After(Exponential(_healed ? Math.Min(_settings.DiskMs, HealedMeanMs) : _settings.DiskMs), () =>
        {
            if (replica.Life != life)
                return;
            replica.Writing = false;
            replica.Write(ready.Persist);
            _oracles.ObserveWrite(replica, ready.Persist);
            Finish(replica, ready);
        });
    }

    private void Finish(SimReplica replica, Ready ready)
    {
        RaftNode node = replica.Node!;
        node.Persisted(ready);
        foreach (RaftMessage message in ready.SendAfterPersist)
            Send(replica, message);
        if (ready.Install is { } snapshot)
            replica.Install(snapshot);
        foreach (Entry entry in ready.Committed)
            Apply(replica, entry);
        foreach (ReadState read in ready.Reads)
            Confirm(replica, read);
        Serve(replica);
        foreach (ReplicaId to in ready.SnapshotsWanted)
            SendSnapshot(replica, to);
        if (replica.Machine.Applied > node.Log.BaseIndex + (ulong)_settings.CompactEntries)
            replica.Compact(replica.Machine.Applied - Math.Min(replica.Machine.Applied, (ulong)_settings.CompactTail));
        Pump(replica);
    }

    private string Describe()
    {
        var text = new StringBuilder();
        foreach (string line in _oracles.History.TakeLast(12))
            text.Append("  ").AppendLine(line);
        foreach (SimReplica replica in _replicas.Values)
        {
            RaftNode? node = replica.Node;
            text.Append(CultureInfo.InvariantCulture, $"  {replica.Id} ").AppendLine(node is null
                ? $"down, durable log ({replica.Durable.Log.BaseIndex}, {replica.Durable.Log.LastIndex}], term {replica.Durable.Term}"
                : $"{node.Role} of {node.Leader}, term {node.Term}, commit {node.Commit}, applied {replica.Machine.Applied}, log " +
                  $"({node.Log.BaseIndex}, {node.Log.LastIndex}] persisted {node.Log.Persisted}, {node.Log.Membership}" +
                  (replica.Retired ? ", retired" : "") + (replica.Writing ? ", writing" : "") + $", feeds {node.DescribeProgress()}");
        }

        return text.ToString();
    }
}

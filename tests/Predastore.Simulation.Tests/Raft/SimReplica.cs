using Google.Protobuf;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>
/// One replica with its disk. What is durable survives a crash, nothing else: the journal is kept as events, as production does, and
/// read back by the production code.
/// </summary>
internal sealed class SimReplica(ReplicaId id) : IObservedReplica
{
    private readonly List<JournalEvent> _journal = [];
    private JournalFold _fold = new();
    private readonly Dictionary<string, SimMachine> _folders = [];

    public ReplicaId Id => id;

    /// <summary>Null while it is down.</summary>
    public RaftNode? Node { get; private set; }

    RaftNode? IObservedReplica.Running => Node;

    /// <summary>Counts starts: what was scheduled for an earlier life is void.</summary>
    public int Life { get; private set; }

    public SimMachine Machine { get; private set; } = SimMachine.Empty;

    /// <summary>State machine as of its last flush.</summary>
    public SimMachine DurableMachine { get; private set; } = SimMachine.Empty;

    /// <summary>The journal as a restart would read it; kept up with each event.</summary>
    public RaftState Durable => _fold.State;

    /// <summary>Removed from the group, or replaced by another incarnation.</summary>
    public bool Retired { get; set; }

    /// <summary>Was in a committed configuration.</summary>
    public bool Joined { get; set; }

    /// <summary>Its disk was wiped: it never starts again.</summary>
    public bool Gone { get; set; }

    public bool Writing { get; set; }

    /// <summary>Last term in which a change was asked of it as the new leader.</summary>
    public ulong AskedInTerm { get; set; }

    public Dictionary<ulong, (ulong Term, int Command)> Proposals { get; } = [];

    public Dictionary<ulong, (SimRead Read, ulong Index)> Reads { get; } = [];

    /// <summary>The first event of a cluster: its configuration, agreed on by all before anybody votes.</summary>
    public void Found(Configuration configuration)
    {
        Joined = true;
        DurableMachine = new SimMachine(1, 1, SimMachine.Empty.Hash);
        Write(new JournalEvent { Term = 1, Installed = new SnapshotMeta { Index = 1, Term = 1, Configuration = configuration } });
    }

    public void Start(ByteString cluster, RaftSettings settings, ulong seed)
    {
        Life++;
        RaftState state = RaftState.Replay(_journal);
        Machine = DurableMachine;
        if (Machine.Applied < state.Log.BaseIndex)
            throw new InvariantException($"{id} starts with its machine at {Machine.Applied} and its log after {state.Log.BaseIndex}");
        Node = new RaftNode(id, cluster, state, Machine.Applied, settings, seed);
    }

    public void Crash()
    {
        Node = null;
        Life++;
        Writing = false;
        Proposals.Clear();
        Reads.Clear();
        foreach (string folder in _folders.Keys.ToArray())
            _folders.Remove(folder);
    }

    /// <summary>A received snapshot is in a folder of its own until the journal names it.</summary>
    public void Receive(string folder, SimMachine state) => _folders[folder] = state;

    public void Write(JournalEvent e)
    {
        // Through bytes, as on disk.
        JournalEvent read = JournalEvent.Parser.ParseFrom(e.ToByteArray());
        _journal.Add(read);
        _fold.Add(read);
        if (e.Installed is { Folder.Length: > 0 } named)
            DurableMachine = _folders[named.Folder];
    }

    public void Install(SnapshotMeta snapshot) => Machine = _folders[snapshot.Folder];

    public void Apply(Entry entry) => Machine = Machine.Apply(entry);

    /// <summary>Flush, then one event that starts the journal anew at the position and carries the tail, then delete what is before.</summary>
    public void Compact(ulong index)
    {
        RaftLog log = Node!.Log;
        index = Math.Min(index, Durable.Log.Persisted);
        if (index <= log.BaseIndex || index <= Durable.Log.BaseIndex)
            return;
        DurableMachine = Machine;
        RaftState durable = Durable;
        var position = new JournalEvent
        {
            Term = durable.Term,
            VotedFor = durable.VotedFor.ToWire(),
            Installed = new SnapshotMeta
            {
                Index = index,
                Term = durable.Log.TermOf(index)!.Value,
                Configuration = durable.Log.MembershipAt(index).ToWire(),
            },
        };
        if (durable.Log.LastIndex > index)
        {
            position.FirstIndex = index + 1;
            position.Entries.AddRange(durable.Log.Slice(index + 1, durable.Log.LastIndex, long.MaxValue));
        }

        _journal.Clear();
        _fold = new JournalFold();
        Write(position);
        log.Compact(index);
    }
}

/// <summary>A read under way.</summary>
internal sealed class SimRead
{
    /// <summary>Everything acknowledged up to here, to anybody, before it was asked: what it must see.</summary>
    public required ulong Floor { get; init; }
}

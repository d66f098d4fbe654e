using Akka.Actor;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Raft.Journal;
using Predastore.Shards;
using Predastore.Shards.Disk;
using Predastore.Simulation.Tests.Raft;

namespace Predastore.Simulation.Tests.Store;

/// <summary>
/// The shell of one replica: the production core, request book, state machine and journal rows, in the order of the production actor,
/// without Akka. What the journal holds survives the process.
/// </summary>
internal sealed class SimReplica : IObservedReplica
{
    private const string PersistenceId = "raft";
    private const int TickMs = 100;

    private readonly SimProcess _process;
    private readonly ClusterSimulation _simulation;
    private readonly RaftSettings _raft;
    private readonly JournalWriter _writer = new();
    private readonly IOrderedKv _journal;
    private readonly JournalFold _durable = new();
    private readonly string _folderAtStart;
    private string _folder;
    private long _sequence;
    private bool _writing;
    private bool _receiving;

    public SimReplica(SimProcess process, ClusterSimulation simulation, RaftSettings raft, ulong seed)
    {
        (_process, _simulation, _raft) = (process, simulation, raft);
        Id = new ReplicaId(process.Node, 1);
        SimHost host = process.Host;
        Machine = new MetadataMachine($"{SimHost.ReplicaPath}/state", host.ReplicaDisk, host.Databases);
        _journal = host.Databases.Open($"{SimHost.ReplicaPath}/{process.Node}/journal", new OrderedKvOptions(WriteAheadLog: true));
        var start = new JournalFold();
        using (IKvView view = _journal.View())
        {
            foreach (JournalRecord record in new JournalReader(view).Events(PersistenceId))
            {
                start.Add(JournalEvent.Parser.ParseFrom(record.Payload));
                _durable.Add(JournalEvent.Parser.ParseFrom(record.Payload));
                _sequence = record.SequenceNr;
            }
        }

        if (_sequence == 0)
        {
            // The bootstrap has agreed on it before anybody votes.
            var founding = new JournalEvent
            {
                Term = 1,
                Installed = new SnapshotMeta { Configuration = simulation.Founding.ToWire() },
            };
            Append(founding);
            start.Add(founding);
        }

        _folder = _folderAtStart = start.Folder;
        Machine.Open(_folder);
        InvariantException.Check(Applied >= start.State.Log.BaseIndex, $"{Id} starts with its machine at {Applied} and its log after {start.State.Log.BaseIndex}");
        Node = new RaftNode(Id, simulation.ClusterId, start.State, Applied, raft, seed);
        Book = new RequestBook(Node, Id, (to, message) => simulation.Network.Send(process, to, message), 4096, () => Applied, static () => true);
        Door = new RaftGroup(process.Time);
        Door.Attach(new DoorActor(this));
        Publish();
        Tick();
        Pump();
    }

    public ReplicaId Id { get; }

    public int Life => _process.Life;

    public RaftNode Node { get; }

    RaftNode? IObservedReplica.Running => Node;

    public RaftState Durable => _durable.State;

    public MetadataMachine Machine { get; }

    public RaftGroup Door { get; }

    public RequestBook Book { get; }

    public ulong Applied => Machine.Applied.Index;

    public string FolderAtStart => _folderAtStart;

    /// <summary>A message of a peer or of this process's door.</summary>
    public void Receive(object message)
    {
        switch (message)
        {
            case RaftMessage raft:
                Node.Step(raft);
                break;
            case ProposeRequest request:
                Book.OnForwarded(request);
                break;
            case ReadRequest request:
                Book.OnForwarded(request);
                break;
            case ProposeReply reply:
                Book.OnForwardReply(reply);
                break;
            case ReadReply reply:
                Book.OnForwardReply(reply);
                break;
            case RaftRequests.Propose propose:
                Book.OnPropose(propose);
                break;
            case RaftRequests.Read read:
                Book.OnRead(read);
                break;
            case RaftRequests.Transfer transfer:
                transfer.Answer.TrySetResult(Node.Transfer(Node.Log.Membership.Voters.FirstOrDefault(voter => voter.Node == transfer.Node)));
                break;
            default:
                throw new InvariantException($"a replica got {message.GetType().Name}");
        }

        Pump();
    }

    /// <summary>A snapshot arrives: as the data plane takes it in.</summary>
    public bool TakeSnapshot(RaftMessage message, IReadOnlyList<byte[]> chunks)
    {
        if (_receiving || ReplicaId.From(message.To) != Id)
            return false;
        _receiving = true;
        try
        {
            using ISnapshotSink sink = Machine.ReceiveSnapshot(new LogPosition(message.Snapshot.Index, message.Snapshot.Term));
            foreach (byte[] chunk in chunks)
                sink.Write(chunk);
            message.Snapshot.Folder = sink.Complete();
        }
        catch (InvalidDataException)
        {
            return false;
        }
        finally
        {
            _receiving = false;
        }

        Node.Step(message);
        if (Node.Ignored is null && message.Term == Node.Term)
            Node.InstallSnapshot(message.Snapshot, ReplicaId.From(message.From));
        Pump();
        return true;
    }

    private void Tick()
    {
        Node.Tick();
        Book.ExpireForwards();
        Pump();
        _process.After(TickMs - 10 + _simulation.ClockRandom.Next(21), Tick);
    }

    private void Pump()
    {
        _simulation.Oracles.Observe(this);
        if (_writing || !Node.HasReady)
            return;
        Ready ready = Node.TakeReady();
        foreach (RaftMessage message in ready.SendNow)
            Send(message);
        if (ready.Persist is null)
        {
            Carry(ready);
            return;
        }

        _writing = true;
        _process.After(_simulation.DiskDelay(_process.Host), () =>
        {
            _writing = false;
            Append(ready.Persist);
            Carry(ready);
        });
    }

    private void Carry(Ready ready)
    {
        Node.Persisted(ready);
        if (ready.Install is { } install)
        {
            _folder = install.Folder;
            Machine.Install(_folder);
            Book.AnswerApplied();
        }

        foreach (RaftMessage message in ready.SendAfterPersist)
            Send(message);
        Apply(ready.Committed);
        Book.Confirm(ready.Reads);

        // As the shell does: leadership may have been lost while the event was written.
        if (Node.Role == RaftRole.Leader)
            foreach (ReplicaId to in ready.SnapshotsWanted)
                SendSnapshot(to);
        CompactIfDue();
        Publish();
        Pump();
    }

    private void Apply(IReadOnlyList<Entry> entries)
    {
        if (entries.Count == 0)
            return;
        ReadOnlyMemory<byte>[] results = Machine.Apply([.. entries.Select(entry => new CommittedEntry(
            new LogPosition(entry.Index, entry.Term), entry.Kind == EntryKind.EntryCommand, entry.Data.Memory))]);
        for (int i = 0; i < results.Length; i++)
            _simulation.ObserveApply(this, entries[i], results[i].Span);
        Book.Applied(entries, results);
    }

    private void Send(RaftMessage message)
    {
        _simulation.Oracles.ObserveSend(this, message);
        _simulation.Network.Send(_process, message.To.Node, message);
    }

    private void Append(JournalEvent saved)
    {
        // Through bytes, as on disk.
        byte[] payload = saved.ToByteArray();
        JournalEvent read = JournalEvent.Parser.ParseFrom(payload);
        var batch = new KvBatch();
        _writer.Append(_journal, batch, PersistenceId, [new JournalRecord(_sequence + 1, 1, "", payload)]);
        _journal.Write(batch, sync: !Planted.Has(PlantedBug.JournalNotSynced));
        _sequence++;
        _durable.Add(read);
        _simulation.Oracles.ObserveWrite(this, read);
    }

    private void SendSnapshot(ReplicaId to)
    {
        var chunks = new List<byte[]>();
        var message = new RaftMessage
        {
            Type = MessageType.MessageSnapshot,
            ClusterId = _simulation.ClusterId,
            From = Id.ToWire(),
            To = to.ToWire(),
            Term = Node.Term,
        };
        using (ISnapshotSource snapshot = Machine.TakeSnapshot())
        {
            byte[] buffer = new byte[4096];
            for (int read; (read = snapshot.Read(buffer)) > 0;)
                chunks.Add(buffer[..read]);
            message.Snapshot = new SnapshotMeta
            {
                Index = snapshot.Position.Index,
                Term = snapshot.Position.Term,
                Configuration = (Planted.Has(PlantedBug.SnapshotWithoutConfiguration)
                    ? Membership.Empty
                    : Node.Log.MembershipAt(snapshot.Position.Index)).ToWire(),
            };
        }

        _simulation.SendSnapshot(_process, to, message, chunks, delivered =>
        {
            Node.SnapshotSent(to, message.Snapshot.Index, delivered);
            Pump();
        });
    }

    // As the production shell: the state first, then one event that starts the journal anew, then the deletion of what is before.
    private void CompactIfDue()
    {
        var bounds = new Compaction(
            _simulation.Settings.CompactEntries, _simulation.Settings.CompactTail, Bytes: long.MaxValue, BytesMax: long.MaxValue);
        if (_writing || bounds.Due(Node.Log, Applied) is not { } to)
            return;
        if (!Planted.Has(PlantedBug.CutBeforeFlush))
            Machine.Flush();
        Append(Compaction.Event(Node.Log, to, Durable.Term, Durable.VotedFor, _folder));
        Node.Log.Compact(to);
        var batch = new KvBatch();
        _writer.Delete(_journal, batch, PersistenceId, _sequence - 1);
        if (batch.Count > 0)
            _journal.Write(batch, sync: true);
    }

    private void Publish() => Door.Publish(new RaftStatus
    {
        Phase = RaftPhase.Running,
        ClusterId = new Guid(_simulation.ClusterId.Span, bigEndian: true),
        Id = Id,
        Role = Node.Role,
        Leader = Node.Leader == ReplicaId.None ? null : Node.Leader.Node,
        Term = Node.Term,
        Commit = Node.Commit,
        Applied = Applied,
        LastIndex = Node.Log.LastIndex,
        Readable = true,
        Members = Node.Log.Membership,
    });

    public string Describe() => $"{Id} {Node.Role} of {Node.Leader}, term {Node.Term}, commit {Node.Commit}, applied {Applied}, log "
        + $"({Node.Log.BaseIndex}, {Node.Log.LastIndex}] persisted {Node.Log.Persisted}";

    /// <summary>The actor that the door of the process tells: what it is told is taken in a later step, as out of a mailbox.</summary>
    private sealed class DoorActor(SimReplica replica) : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "simulation")) / "raft";

        public override IActorRefProvider Provider => throw new NotSupportedException();

        protected override void TellInternal(object message, IActorRef sender) => replica._process.After(0, () => replica.Receive(message));
    }
}

/// <summary>Looks into a replica from outside.</summary>
internal static class Peeking
{
    /// <summary>The answer from the rows as they stand.</summary>
    public static QueryResult Peek(this MetadataMachine machine, Query query) => machine.Answer(query, machine.Applied.Index);
}

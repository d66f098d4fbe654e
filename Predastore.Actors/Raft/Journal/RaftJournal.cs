using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Serialization;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Raft.Journal;

/// <summary>Where the journal of an ActorSystem is: several systems in one process each have their own.</summary>
public sealed class JournalSetup(IOrderedKvFactory factory, string folder, IDisk? disk = null) : Akka.Actor.Setup.Setup
{
    /// <summary>Opens the database.</summary>
    public IOrderedKvFactory Factory => factory;

    /// <summary>Folder of the database.</summary>
    public string Folder => folder;

    /// <summary>The disk of the folder; null for a database that is not on one.</summary>
    public IDisk? Disk => disk;
}

/// <summary>The Akka.Persistence plugin over <see cref="JournalStore"/>.</summary>
#pragma warning disable CA1001 // An actor is never disposed: PostStop ends the store.
public sealed class RaftJournal : AsyncWriteJournal
{
    /// <summary>Plugin id in HOCON.</summary>
    public const string PluginId = "akka.persistence.journal.predastore";

    private readonly JournalStore _store;
    private readonly Akka.Serialization.Serialization _serialization;

    /// <summary>Created by Akka.Persistence from HOCON.</summary>
    /// <exception cref="ConfigurationException">The system has no <see cref="JournalSetup"/>.</exception>
    public RaftJournal(Config config)
    {
        JournalSetup setup = Context.System.Settings.Setup.Get<JournalSetup>() is { HasValue: true } given
            ? given.Value
            : throw new ConfigurationException("The ActorSystem has no JournalSetup.");
        _serialization = Context.System.Serialization;
        _store = new JournalStore(setup.Factory, setup.Folder, setup.Disk);
    }

    /// <inheritdoc/>
    public override Task<long> ReadHighestSequenceNrAsync(
        string persistenceId, long fromSequenceNr, CancellationToken cancellationToken)
        => _store.ReadAsync(reader => reader.Head(persistenceId).Highest);

    /// <inheritdoc/>
    public override async Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback)
    {
        List<JournalRecord> records = await _store.ReadAsync(reader => reader.Events(persistenceId)).ConfigureAwait(false);
        foreach (JournalRecord record in records)
        {
            if (record.SequenceNr < fromSequenceNr || record.SequenceNr > toSequenceNr || max-- <= 0)
                continue;
            object payload = _serialization.Deserialize(record.Payload, record.SerializerId, record.Manifest);
            recoveryCallback(new Persistent(payload, record.SequenceNr, persistenceId, record.Manifest));
        }
    }

    /// <inheritdoc/>
    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var writes = messages.SelectMany(write => (IImmutableList<IPersistentRepresentation>)write.Payload)
            .GroupBy(message => message.PersistenceId)
            .Select(group => _store.WriteAsync(group.Key, [.. group.Select(Record)]));
        await Task.WhenAll(writes).ConfigureAwait(false);
        return null!;
    }

    /// <inheritdoc/>
    protected override Task DeleteMessagesToAsync(
        string persistenceId, long toSequenceNr, CancellationToken cancellationToken)
        => _store.DeleteAsync(persistenceId, toSequenceNr);

    /// <inheritdoc/>
    protected override void PostStop()
    {
        _store.Dispose();
        base.PostStop();
    }

    private JournalRecord Record(IPersistentRepresentation message)
    {
        Serializer serializer = _serialization.FindSerializerFor(message.Payload);
        string manifest = serializer is SerializerWithStringManifest named ? named.Manifest(message.Payload) : "";
        return new JournalRecord(message.SequenceNr, serializer.Identifier, manifest, serializer.ToBinary(message.Payload));
    }
}

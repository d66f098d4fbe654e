using Predastore.Shards;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Predastore.Actors.Metadata.Apply;
using Predastore.Actors.Metadata.Queries;
using Predastore.Actors.Metadata.Storage;
using Predastore.Actors.Raft;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata;

/// <summary>
/// The deterministic metadata state machine over one ordered database. The same entries make the same rows, whatever the batches and
/// however often they are replayed. The database needs no write-ahead log: every batch carries the applied position, so after a
/// crash it stands at an earlier one and the entries after it are applied again. <see cref="Apply"/> has one caller at a time;
/// queries run from any thread.
/// </summary>
public sealed class MetadataStore : IDisposable
{
    private readonly IOrderedKv _database;

    /// <summary>Takes over an open database, and writes the schema version into an empty one.</summary>
    /// <exception cref="InvalidDataException">The database has another schema version, or rows without one.</exception>
    public MetadataStore(IOrderedKv database)
    {
        _database = database;
        using IKvView view = database.View();
        if (view.Get(KeySchema.SchemaVersion) is { } version)
        {
            if (version.Length != 4 || BinaryPrimitives.ReadUInt32BigEndian(version) != KeySchema.Version)
            {
                throw new InvalidDataException(
                    $"the metadata database has schema {Convert.ToHexStringLower(version)}, this program reads {KeySchema.Version}");
            }
        }
        else
        {
            using IKvCursor cursor = view.Cursor();
            cursor.Seek([]);
            if (cursor.Valid) throw new InvalidDataException("the metadata database has rows but no schema version");
            database.Write(new KvBatch().Put(KeySchema.SchemaVersion, SchemaVersionValue()), sync: false);
        }

        (AppliedIndex, AppliedTerm) = new MetadataReader(view).Applied();
    }

    /// <summary>Highest feature level of commands that this program applies.</summary>
    public static uint FeatureLevel => CommandApplier.FeatureLevel;

    /// <summary>Log index that the rows stand at.</summary>
    public ulong AppliedIndex { get; private set; }

    /// <summary>Term of the entry at <see cref="AppliedIndex"/>.</summary>
    public ulong AppliedTerm { get; private set; }

    /// <summary>
    /// Applies committed entries as one batch and returns a result for each; entries at or below <see cref="AppliedIndex"/> are skipped
    /// and get an empty result.
    /// </summary>
    /// <exception cref="UnknownCommandException">The replica must halt. Nothing of the batch was written.</exception>
    public CommandResult[] Apply(IReadOnlyList<MetadataEntry> entries)
    {
        var results = new CommandResult[entries.Count];
        using IKvView view = _database.View();
        var rows = new MetadataWriter(view);
        ulong index = AppliedIndex;
        ulong term = AppliedTerm;
        for (int i = 0; i < entries.Count; i++)
        {
            MetadataEntry entry = entries[i];
            if (entry.Index <= index)
            {
                results[i] = new CommandResult { Index = entry.Index };
                continue;
            }

            results[i] = CommandApplier.Apply(rows, entry.Data.Span, entry.Index);
            index = entry.Index;
            term = entry.Term;
        }

        if (index == AppliedIndex) return results;
        _database.Write(rows.ToBatch(Planted.Has(PlantedBug.ReplayedTwice) ? index - 1 : index, term), sync: false);
        (AppliedIndex, AppliedTerm) = (index, term);
        return results;
    }

    /// <summary>Answers a query from the rows as they stand. Never throws for what a query says: that is a code in the result.</summary>
    public QueryResult Answer(Query query)
    {
        using IKvView view = _database.View();
        return new MetadataQueries(view).Answer(query);
    }

    /// <summary>A consistent view of all rows; the caller disposes it.</summary>
    public IKvView View() => _database.View();

    /// <summary>On return everything applied survives a crash.</summary>
    public void Flush() => _database.Flush();

    /// <summary>
    /// SHA-256 over all rows in key order (key length 4, key, value length 4, value): equal on replicas that applied the same entries.
    /// </summary>
    public static byte[] Hash(IKvView view)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        using IKvCursor cursor = view.Cursor();
        for (cursor.Seek([]); cursor.Valid; cursor.Next())
        {
            BinaryPrimitives.WriteInt32BigEndian(length, cursor.Key.Length);
            sha.AppendData(length);
            sha.AppendData(cursor.Key);
            BinaryPrimitives.WriteInt32BigEndian(length, cursor.Value.Length);
            sha.AppendData(length);
            sha.AppendData(cursor.Value);
        }

        return sha.GetHashAndReset();
    }

    /// <inheritdoc/>
    public void Dispose() => _database.Dispose();

    private static byte[] SchemaVersionValue()
    {
        byte[] value = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(value, KeySchema.Version);
        return value;
    }
}

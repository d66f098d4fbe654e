using System.Runtime.CompilerServices;
using Akka.Streams;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Client;

/// <summary>What an <see cref="ObjectStore"/> is built from.</summary>
internal sealed record ObjectStoreParts(
    IMetadata Metadata, Proposer Proposer, SessionHolder Sessions, ClusterViewHolder Cluster, KeyCache Keys,
    IShardAccess Shards, ObjectUploader Uploader, ReadContext Reads, Func<IMaterializer> Materializer);

/// <summary>The door of this process to buckets and objects. Thread-safe.</summary>
internal sealed class ObjectStore(ObjectStoreParts parts) : IObjectStore
{
    /// <summary>Parts whose keys one entry names at most: a copy of more of them to another bucket moves bytes.</summary>
    public const int CopiedKeysMax = 500;

    // Data is written anew once in a while: a copy that meets it twice is told to try again.
    private const int CopyTriesMax = 3;

    private static readonly TimeSpan QueryTimeout = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public Task<QueryResult> QueryAsync(Query query, CancellationToken cancel)
        => parts.Metadata.QueryAsync(query, QueryTimeout, cancel);

    /// <inheritdoc/>
    public Task<CommandResult> ExecuteAsync(Command command, CancellationToken cancel)
    {
        if (command.CreateBucket is { Key: null } create)
            create.Key = parts.Keys.NewBucketKey(1);
        return parts.Proposer.RunAsync(command, cancel);
    }

    /// <inheritdoc/>
    public async Task<IStagedObject> StageAsync(BucketRow bucket, Stream body, long sizeHint, CancellationToken cancel)
    {
        byte[] start = new byte[StagedInline.BodyBytesMax + 1];
        int read = await body.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        return read <= StagedInline.BodyBytesMax
            ? new StagedInline(bucket, start[..read])
            : await parts.Uploader.UploadAsync(bucket, new PrefixedStream(start, body), sizeHint, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<CommandResult> PutAsync(IStagedObject staged, PutVersion put, CancellationToken cancel)
    {
        put.Version.Size = (ulong)staged.Size;
        return CommitAsync(staged, new Command { PutVersion = put }, cancel, inline => put.Version.Inline = inline, shards =>
        {
            put.Version.DataId = shards.Row.DataId;
            put.Data = shards.Row;
            put.Missing.AddRange(shards.Row.Missing);
            put.Narrow = shards.Narrow;
        });
    }

    /// <inheritdoc/>
    public Task<CommandResult> PutPartAsync(IStagedObject staged, PutPart put, CancellationToken cancel)
    {
        put.Part.Size = (ulong)staged.Size;
        return CommitAsync(staged, new Command { PutPart = put }, cancel, inline => put.Part.Inline = inline, shards =>
        {
            put.Part.DataId = shards.Row.DataId;
            put.Data = shards.Row;
            put.Missing.AddRange(shards.Row.Missing);
            put.Narrow = shards.Narrow;
        });
    }

    /// <inheritdoc/>
    public async Task<CommandResult> CopyAsync(
        IObjectReader source, BucketRow target, PutVersion put, CancellationToken cancel)
    {
        VersionRow from = source.Version.Version;
        QueryResult version = source.Version;
        for (int tries = 1; ; tries++)
        {
            List<Predastore.Actors.Metadata.DataKey>? keys = version.Bucket.Id == target.Id
                ? []
                : await RewrapAsync(version, target, cancel).ConfigureAwait(false);
            if (from.DataCase == VersionRow.DataOneofCase.Inline || keys is null)
                return await CopyBytesAsync(source, target, put, cancel).ConfigureAwait(false);
            put.Version.Size = from.Size;
            put.Version.Parts = from.Parts;
            put.Source = new CopySource { BucketId = from.BucketId, Key = from.Key, Position = from.Position };
            put.Source.Keys.AddRange(keys);
            CommandResult result = await ExecuteAsync(new Command { PutVersion = put }, cancel).ConfigureAwait(false);
            if (result.Code != ResultCode.ResultRewritten || tries == CopyTriesMax)
                return result;

            // Parts are asked for anew by each look at them.
            if (version.Data is null)
                continue;
            version = version.Clone();
            version.Data = (await QueryAsync(new Query { GetData = new GetData { DataId = version.Data.DataId } }, cancel).ConfigureAwait(false)).Data;
            if (version.Data is null)
                return result;
        }
    }

    private async Task<CommandResult> CopyBytesAsync(IObjectReader source, BucketRow target, PutVersion put, CancellationToken cancel)
    {
        long size = (long)source.Version.Version.Size;
        await source.StartAsync(0, size, cancel).ConfigureAwait(false);
        await using var body = new CopyStream(source, cancel);
        await using IStagedObject staged = await StageAsync(target, body, size, cancel).ConfigureAwait(false);
        put.Source = null;
        return await PutAsync(staged, put, cancel).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<IObjectReader> OpenAsync(GetVersion query, CancellationToken cancel)
    {
        WriteSession session = parts.Sessions.Require();

        // Registered before the query is sent: what it sees cannot be collected between answer and registration.
        ulong token = session.BeginRead();
        try
        {
            query.WithData = true;
            QueryResult version = await QueryAsync(new Query { GetVersion = query }, cancel).ConfigureAwait(false);
            return new ObjectReader(parts.Reads, version, session, token, parts.Materializer);
        }
        catch
        {
            session.EndRead(token);
            throw;
        }
    }

    private async Task<CommandResult> CommitAsync(
        IStagedObject staged, Command command, CancellationToken cancel, Action<InlineData> setInline, Action<StagedShards> setShards)
    {
        switch (staged)
        {
            case StagedInline inline:
                WriteSession session = parts.Sessions.Require();
                ulong writeId = session.Allocate();
                try
                {
                    if (inline.Size > 0)
                        setInline(Seal(inline, writeId));
                }
                catch
                {
                    session.Decide(writeId);
                    throw;
                }

                return await parts.Proposer.RunAsync(command, session, writeId, cancel).ConfigureAwait(false);

            case StagedShards shards:
                setShards(shards);
                shards.HandOver();
                CommandResult result = await parts.Proposer.RunAsync(command, shards.Session, shards.Row.WriteId, cancel)
                    .ConfigureAwait(false);
                if (result.Code != ResultCode.ResultOk)
                    await shards.AbortAsync().ConfigureAwait(false);
                return result;

            default:
                throw new ArgumentException("Not staged here.", nameof(staged));
        }
    }

    private InlineData Seal(StagedInline staged, ulong writeId)
    {
        using DataKey key = DataKey.Generate();
        ObjectHash hash = ObjectHash.Compute(parts.Cluster.Require().ClusterId, writeId);
        return new InlineData
        {
            WriteId = writeId,
            Size = (ulong)staged.Size,
            Sealed = ByteString.CopyFrom(InlineSealer.Seal(key, hash, writeId, staged.Body)),
            Key = parts.Keys.Wrap(staged.Bucket, key),
        };
    }

    private Predastore.Actors.Metadata.DataKey Rewrap(BucketRow from, BucketRow to, DataRow row)
    {
        using DataKey key = parts.Keys.Unwrap(from, row.Keys);
        return new Predastore.Actors.Metadata.DataKey { DataId = row.DataId, ObjectHash = row.ObjectHash, Key = parts.Keys.Wrap(to, key) };
    }

    // The keys of all data of a version, wrapped for another bucket; null if its bytes have to move: one entry cannot name so many
    // keys, and what is sealed inline is bound to its own bucket.
    private async Task<List<Predastore.Actors.Metadata.DataKey>?> RewrapAsync(
        QueryResult version, BucketRow target, CancellationToken cancel)
    {
        if (version.Version.Parts > CopiedKeysMax)
            return null;
        List<Predastore.Actors.Metadata.DataKey> keys = [];
        if (version.Data is { } own)
            keys.Add(Rewrap(version.Bucket, target, own));
        await foreach (Part part in PartsAsync(version, cancel).ConfigureAwait(false))
        {
            if (part.Row.DataCase == PartRow.DataOneofCase.Inline)
                return null;
            if (part.Data is { } row)
                keys.Add(Rewrap(version.Bucket, target, row));
        }

        return keys;
    }

    // All parts of a version, page by page.
    private async IAsyncEnumerable<Part> PartsAsync(QueryResult version, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (version.Version.DataCase != VersionRow.DataOneofCase.UploadId)
            yield break;
        ulong offset = 0;
        while (offset < version.Version.Size)
        {
            QueryResult page = await QueryAsync(
                new Query { ReadParts = new ReadParts { UploadId = version.Version.UploadId, Offset = offset, Limit = 64 } },
                cancel).ConfigureAwait(false);
            if (page.Parts.Count == 0)
                throw new StoreException(StoreFailure.Damaged, $"No part holds byte {offset} of the source.");
            foreach (Part part in page.Parts)
            {
                yield return part;
                offset = part.Row.Offset + part.Row.Size;
            }
        }
    }
}

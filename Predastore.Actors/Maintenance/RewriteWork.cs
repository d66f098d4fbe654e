using Akka.Streams;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Shards.Protocol;
using Predastore.Shards.Striping;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Writes objects anew that were written at a narrower geometry while nodes were down, or whose shards contradict one another: same
/// bytes, another write id and key, full width. The row changes by compare-and-set; the old shards become garbage.
/// </summary>
internal sealed class RewriteWork(
    MaintenanceParts parts, ObjectUploader uploader, ReadContext reads, Func<IMaterializer> materializer, ILogger log)
{
    /// <summary>Rewrites the data of one heal row, if enough storage ids are usable for full width now.</summary>
    /// <param name="row">The row as just read.</param>
    /// <param name="bucket">A bucket that refers to it.</param>
    /// <param name="contradicts">True if its shards are known not to fit together: only its data shards are read then, all of them.</param>
    /// <param name="cancel">Ends the work.</param>
    public async Task RunAsync(DataRow row, BucketRow bucket, bool contradicts, CancellationToken cancel)
    {
        var cluster = parts.Cluster.Require();
        if (cluster.Ring.Members.Count(member => parts.Usable(member.StorageId)) < cluster.Geometry.Total)
            return;
        string name = Convert.ToHexStringLower(row.ObjectHash.Span);
        try
        {
            CommandResult result = await RewriteAsync(row, bucket, contradicts, cancel).ConfigureAwait(false);
            if (result.Code == ResultCode.ResultOk)
                parts.Progress.Rewrote();
            Log.Rewritten(log, name, cluster.Geometry.ToString(), result.Code.ToString());
        }
        catch (Exception error) when (error is StoreException or ShardException or IOException)
        {
            Log.NotRewritten(log, name, error.Message);
        }
    }

    private async Task<CommandResult> RewriteAsync(
        DataRow row, BucketRow bucket, bool contradicts, CancellationToken cancel)
    {
        // What is computed from parity that does not fit would be sealed anew as if it were the object.
        DataRow source = row.Clone();
        if (contradicts)
            source.Missing.AddRange(Enumerable.Range((int)row.DataShards, (int)row.ParityShards).Select(shard => (uint)shard).Except(row.Missing));
        WriteSession session = parts.Proposer.Sessions.Require();
        var version = new QueryResult
        {
            Bucket = bucket,
            Version = new VersionRow { Size = row.Size, DataId = row.DataId },
            Data = source,
        };
        await using var reader = new ObjectReader(
            reads with { Follows = !contradicts }, version, session, session.BeginRead(), materializer);
        await reader.StartAsync(0, (long)row.Size, cancel).ConfigureAwait(false);
        await using var copy = new CopyStream(reader, cancel);
        Geometry geometry = parts.Cluster.Require().Geometry;
        await using var body = new PacedStream(copy, read => parts.Pace.TakeAsync(read + (read * geometry.Total / geometry.K), cancel));
        await using StagedShards staged = await uploader.UploadAsync(bucket, body, (long)row.Size, cancel).ConfigureAwait(false);

        // To commit it would take the mark away by which it is written anew.
        if (staged.Narrow)
            throw new StoreException(StoreFailure.Unavailable, "storage ids failed on the way, and it would be narrow again");
        await WrapForOthersAsync(row, staged.Row, bucket, cancel).ConfigureAwait(false);
        var replace = new ReplaceData { DataId = row.DataId, Generation = row.Generation, Data = staged.Row };
        staged.HandOver();
        CommandResult result = await parts.Proposer.RunAsync(
            new Command { ReplaceData = replace }, staged.Session, staged.Row.WriteId, cancel).ConfigureAwait(false);
        if (result.Code != ResultCode.ResultOk)
            await staged.AbortAsync().ConfigureAwait(false);
        return result;
    }

    // Copies in other buckets read through the same row: each bucket needs the new data key under its own.
    private async Task WrapForOthersAsync(DataRow old, DataRow made, BucketRow bucket, CancellationToken cancel)
    {
        using DataKey key = parts.Keys.Unwrap(bucket, made.Keys);
        foreach (ulong other in old.Keys.Select(wrapped => wrapped.BucketId).Where(id => id != bucket.Id).Distinct())
        {
            QueryResult found = await parts.QueryAsync(new Query { GetBucket = new GetBucket { Id = other } }, cancel)
                .ConfigureAwait(false);
            if (found.Code == ResultCode.ResultOk)
                made.Keys.Add(parts.Keys.Wrap(found.Bucket, key));
        }
    }
}

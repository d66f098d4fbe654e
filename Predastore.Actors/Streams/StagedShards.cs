using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;
using Predastore.Shards.Protocol;
using Predastore.Shards;

namespace Predastore.Actors.Streams;

/// <summary>Shards that are durable and not yet named by any row.</summary>
internal sealed class StagedShards(
    IShardAccess shards, WriteSession session, DataRow row, bool narrow, IReadOnlyList<PutShardRequest> durable,
    TimeProvider time) : IStagedObject
{
    private static readonly TimeSpan AbortMax = TimeSpan.FromSeconds(5);

    private bool _settled;

    /// <inheritdoc/>
    public long Size => (long)row.Size;

    /// <summary>The row to commit.</summary>
    public DataRow Row => row;

    /// <summary>True if the geometry is narrower than the ring's.</summary>
    public bool Narrow => narrow;

    /// <summary>The session that the write id belongs to.</summary>
    public WriteSession Session => session;

    /// <summary>
    /// Hands the write over to Raft: from here on only a definite refusal may undo it. Call before the command is proposed.
    /// </summary>
    public void HandOver() => _settled = !Planted.Has(PlantedBug.AbortAfterPropose);

    /// <summary>Deletes the shards after a definite refusal; best effort, orphan collection takes what is left.</summary>
    public async Task AbortAsync()
    {
        foreach (PutShardRequest put in durable)
        {
            using var limit = new CancellationTokenSource(AbortMax, time);
            try
            {
                await shards.DeleteAsync(
                    new DeleteShardsRequest(put.StorageId, [new ShardToDelete(put.Key, put.AttemptId)]), limit.Token)
                    .ConfigureAwait(false);
            }
            catch (Exception error) when (error is ShardException or OperationCanceledException or IOException)
            {
                // The storage id is gone or slow; its extent is an orphan now.
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_settled)
            return;
        _settled = true;
        session.Decide(row.WriteId);
        await AbortAsync().ConfigureAwait(false);
    }
}

/// <summary>A small object that will lie in its row. It gets its write id and key when it is committed.</summary>
internal sealed class StagedInline(BucketRow bucket, byte[] body) : IStagedObject
{
    /// <summary>Largest object stored in its row, in bytes.</summary>
    public const int BodyBytesMax = InlineSealer.BodyBytesMax;

    /// <inheritdoc/>
    public long Size => body.Length;

    /// <summary>The bucket it was staged for.</summary>
    public BucketRow Bucket => bucket;

    /// <summary>The plain bytes.</summary>
    public byte[] Body => body;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

using System.IO.Pipelines;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Topology;
using Predastore.Shards.Crypto;
using Predastore.Shards.Placement;
using Predastore.Shards.Striping;

namespace Predastore.Actors.Tests.Client;

public sealed class ObjectStoreSpecs : IDisposable
{
    private readonly ScriptedMetadata _metadata = new();
    private readonly WriteSession _session = new(1, 1);
    private readonly KeyCache _keys = new(new MasterKeys(new MasterKey(new byte[32])));
    private readonly Proposer _proposer;
    private readonly ObjectStore _store;

    public ObjectStoreSpecs()
    {
        var sessions = new SessionHolder { Current = _session };
        _proposer = new Proposer(_metadata, sessions, TimeProvider.System);
        var cluster = new ClusterViewHolder
        {
            Current = new ClusterView(
                Guid.NewGuid(), 1, new Geometry(1, 0), new Ring([new Predastore.Shards.Placement.RingMember(1, 1, "h", "", 1)]),
                new Dictionary<uint, StorageRow>()),
        };
        _store = new ObjectStore(new ObjectStoreParts(_metadata, _proposer, sessions, cluster, _keys, null!, null!, null!, null!));
    }

    [Fact]
    public async Task Inline_object_that_cannot_be_sealed_should_decide_its_write_id()
    {
        // A bucket without a key: an id left undecided would hold back orphans and garbage for as long as the session lives.
        await using IStagedObject staged = await _store.StageAsync(
            new BucketRow { Name = "b", Id = 2 }, new MemoryStream(new byte[10]), 10, CancellationToken.None);
        await Assert.ThrowsAnyAsync<Exception>(
            () => _store.PutAsync(staged, new PutVersion { Version = new VersionRow { Key = "k" } }, CancellationToken.None));
        Assert.Equal(2u, _session.Low);
    }

    [Fact]
    public async Task Copy_to_another_bucket_should_move_the_bytes_of_an_object_with_an_inline_part()
    {
        BucketRow source = Bucket("source", 2), target = Bucket("target", 3);
        ByteString uploadId = ByteString.CopyFrom(new byte[16]);
        _metadata.OnQuery = query =>
        {
            var page = new QueryResult();
            if (query.ReadParts.Offset == 0)
            {
                using var key = Predastore.Shards.Crypto.DataKey.Generate();
                var row = new DataRow { DataId = ByteString.CopyFrom(new byte[32]), Size = 6 };
                row.Keys.Add(_keys.Wrap(source, key));
                page.Parts.Add(new Part { Row = new PartRow { Number = 1, Size = 6, DataId = row.DataId }, Data = row });
            }

            page.Parts.Add(new Part { Row = new PartRow { Number = 2, Offset = 6, Size = 4, Inline = new InlineData { Size = 4 } } });
            return Task.FromResult(page);
        };
        var version = new QueryResult { Bucket = source, Version = new VersionRow { Size = 10, Parts = 2, UploadId = uploadId } };
        await _store.CopyAsync(
            new FixedReader(version, "0123456789"u8.ToArray()), target, new PutVersion { Version = new VersionRow { Key = "k" } },
            CancellationToken.None);
        PutVersion put = Assert.Single(_metadata.Commands).PutVersion;
        Assert.Null(put.Source);
        Assert.Equal(10ul, put.Version.Inline.Size);
    }

    public void Dispose()
    {
        _proposer.Dispose();
        _keys.Dispose();
    }

    private BucketRow Bucket(string name, ulong id)
    {
        var row = new BucketRow { Name = name, Id = id };
        row.Keys.Add(_keys.NewBucketKey(1));
        return row;
    }

    private sealed class FixedReader(QueryResult version, byte[] bytes) : IObjectReader
    {
        public QueryResult Version => version;

        public Task StartAsync(long offset, long length, CancellationToken cancel) => Task.CompletedTask;

        public async Task CopyToAsync(PipeWriter output, CancellationToken cancel) => await output.WriteAsync(bytes, cancel);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

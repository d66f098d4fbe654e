using Predastore.Shards.Crypto;
using Predastore.Shards.Protocol;
using Predastore.Shards.Tests.Transport;
using Predastore.Shards.Transport;

namespace Predastore.Shards.Tests.Protocol;

/// <summary>One client and one server of shards over one kind of transport.</summary>
internal sealed class ShardCluster : IAsyncDisposable
{
    public ShardCluster(TransportKind kind, TransportOptions? options = null, ShardServerOptions? server = null)
    {
        TransportHarness.SkipWithoutLibrary(kind);
        Harness = new TransportHarness(kind, new ShardServer(Service, server).HandleAsync, options);
    }

    public MemoryShardService Service { get; } = new();

    public TransportHarness Harness { get; }

    public ShardClient Client => Harness.Client;

    public Peer Peer => Harness.Peer;

    public async Task<PutShardRequest> StoreAsync(int seed, int size)
    {
        PutShardRequest put = NewPut(new Random(seed));
        await using ShardUpload upload = await Client.PutShardAsync(Peer, put);
        await upload.WriteAsync(Bytes(seed, size));
        await upload.CommitAsync((UInt128)seed);
        return put;
    }

    public ValueTask DisposeAsync() => Harness.DisposeAsync();

    public static PutShardRequest NewPut(Random random)
    {
        byte[] hash = new byte[32];
        random.NextBytes(hash);
        return new PutShardRequest(new ObjectHash(hash), 2, 77, Guid.NewGuid(), 3, 2, 1, -1);
    }

    public static byte[] Bytes(int seed, int size)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

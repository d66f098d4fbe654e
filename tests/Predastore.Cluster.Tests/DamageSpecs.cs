using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Shards.Crypto;
using Predastore.Shards.Segments;

namespace Predastore.Cluster.Tests;

/// <summary>Bits that turn over in the segments of running nodes: nothing wrong is served, and it is repaired.</summary>
public sealed class DamageSpecs(DamageSpecs.Fixture fixture) : IClassFixture<DamageSpecs.Fixture>, IAsyncLifetime
{
    private static readonly TimeSpan HealTimeout = TimeSpan.FromSeconds(120);

    // Where a bit turns over in an extent; every one of them must be met by an ordinary read of the object.
    private static readonly (string Name, Func<LiveExtent, long> Position)[] Regions =
    [
        ("magic of the extent header", extent => extent.Offset),
        ("object hash in the extent header", extent => extent.Offset + 20),
        ("reserved bytes of the extent header", extent => extent.Offset + 121),
        ("checksum of the extent header", extent => extent.Offset + ExtentHeader.Bytes - 1),
        ("fragment number", extent => extent.FragmentAt(0) + 7),
        ("write id in a fragment header", extent => extent.FragmentAt(3) + 15),
        ("format in a fragment header", extent => extent.FragmentAt(1) + 19),
        ("size in a fragment header", extent => extent.FragmentAt(2) + 23),
        ("flags in a fragment header", extent => extent.FragmentAt(2) + 27),
        ("reserved bytes of a fragment header", extent => extent.FragmentAt(4) + 31),
        ("first body byte", extent => extent.FragmentAt(0) + 32),
        ("a body in the middle", extent => extent.FragmentAt(extent.Fragments / 2) + 4000),
        ("tag of the first fragment", extent => extent.FragmentAt(1) - 1),
        ("header of the last fragment", extent => extent.FragmentAt(extent.Fragments - 1) + 27),
        ("body of the last fragment", extent => extent.End - 20),
        ("last byte", extent => extent.End - 1),
    ];

    private readonly string _bucket = $"damage-{Guid.NewGuid():n}";

    private S3Cluster Cluster => fixture.Cluster;

    public Task InitializeAsync() => Cluster.Client(1).PutBucketAsync(_bucket);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public Task Flipped_bit_in_any_region_should_be_read_around_named_and_healed() => Cluster.RunAsync(async () =>
    {
        var damaged = new List<(string Name, string Key, byte[] Content, string Shard)>();
        for (int size = 600_000; damaged.Count < Regions.Length; size += 1000)
        {
            string key = $"object-{size}";
            byte[] content = await PutAsync(key, size);
            LiveExtent extent = ExtentOn(1, size);
            // A parity shard is not read while the data shards are well.
            if (extent.Header.Shard.Key.ShardIndex >= Cluster.Shape.Data)
                continue;
            (string name, Func<LiveExtent, long> position) = Regions[damaged.Count];
            extent.Flip(position(extent));
            damaged.Add((name, key, content, $"shard {extent.Header.Shard.Key.ShardIndex} of {extent.Header.Shard.Key.ObjectHash}"));
        }

        damaged.AddRange(await SwapAsync());

        foreach ((string name, string key, byte[] content, _) in damaged)
            await ReadsAsync(key, content, name);

        foreach ((string name, string key, byte[] content, string shard) in damaged)
        {
            // A read that was hedged has not met it: then another one does, unless a scrub came first.
            await LoggedAsync(
                [$"A read met a bad shard: {shard} on storage id 1: ", $"Scrub: {shard} on storage id 1: "], name, () => ReadsAsync(key, content, name));
            await LoggedAsync([$"Healed {shard} on storage id 1"], name, () => Task.CompletedTask);
        }

        // With node 3 dead every object needs the shard that was rebuilt.
        await Cluster.KillAsync(3);
        foreach ((string name, string key, byte[] content, _) in damaged)
            await ReadsAsync(key, content, name);
        Cluster.StartNode(3);
        await Cluster.WaitReadyAsync();
    });

    [Fact]
    public Task Object_with_more_bad_shards_than_parity_should_be_a_clean_error() => Cluster.RunAsync(async () =>
    {
        const int size = 400_000;
        await PutAsync("dead", size);
        foreach (int node in Cluster.Nodes)
        {
            LiveExtent extent = ExtentOn(node, size);
            if (extent.Header.Shard.Key.ShardIndex <= Cluster.Shape.Parity)
                extent.Flip(extent.FragmentAt(0) + 100);
        }

        var e = await Assert.ThrowsAsync<AmazonS3Exception>(() => GetAsync(1, "dead"));

        Assert.InRange((int)e.StatusCode, 500, 599);
        Assert.NotEmpty(e.RequestId);
        Assert.Equal(HttpStatusCode.OK, (await Cluster.Client(1).PutObjectAsync(
            new PutObjectRequest { BucketName = _bucket, Key = "after", ContentBody = "x" })).HttpStatusCode);
    });

    [Fact]
    public Task Body_that_turns_out_bad_should_be_cut_before_a_wrong_byte() => Cluster.RunAsync(async () =>
    {
        const int size = 12_000_000;
        byte[] content = await PutAsync("late", size);
        foreach (int node in Cluster.Nodes)
        {
            LiveExtent extent = ExtentOn(node, size);
            if (extent.Header.Shard.Key.ShardIndex <= Cluster.Shape.Parity)
                extent.Flip(extent.FragmentAt(extent.Fragments - 2) + 100);
        }

        using GetObjectResponse response = await Client(1).GetObjectAsync(_bucket, "late");
        using var got = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(() => response.ResponseStream.CopyToAsync(got));

        Assert.InRange(got.Length, 1, size - 1);
        Assert.True(content.AsSpan(0, (int)got.Length).SequenceEqual(got.ToArray()), "what came before the cut");
    });

    // Two objects of one size whose sealed bytes, each whole and well, change places on one disk.
    private async Task<IEnumerable<(string Name, string Key, byte[] Content, string Shard)>> SwapAsync()
    {
        for (int size = 500_000; ; size += 1000)
        {
            string[] keys = [$"swapped-{size}-a", $"swapped-{size}-b"];
            byte[] first = await PutAsync(keys[0], size);
            byte[] second = await PutAsync(keys[1], size);
            await S3Cluster.WaitUntilAsync(() => Task.FromResult(Cluster.Nodes.All(node => ExtentsOn(node, size).Count() == 2)), HealTimeout, "both on every node");
            LiveExtent[] extents = [.. ExtentsOn(1, size)];
            if (extents.Any(extent => extent.Header.Shard.Key.ShardIndex >= Cluster.Shape.Data))
                continue;
            extents[0].Swap(extents[1]);
            return extents.Zip(keys, [first, second]).Select(item =>
                ("the place of another object's shard", item.Second, item.Third, $"shard {item.First.Header.Shard.Key.ShardIndex} of {item.First.Header.Shard.Key.ObjectHash}"));
        }
    }

    private AmazonS3Client Client(int node) => Cluster.Client(node, config => config.MaxErrorRetry = 0);

    private async Task ReadsAsync(string key, byte[] content, string name)
    {
        byte[] got = await GetAsync(2, key);
        Assert.True(content.AsSpan().SequenceEqual(got), name);
    }

    private async Task<byte[]> PutAsync(string key, int size)
    {
        byte[] content = RandomNumberGenerator.GetBytes(size);
        await Cluster.Client(1).PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = key, InputStream = new MemoryStream(content) });

        // A write that found a node not joined yet is narrow at first, with shards of another size.
        await S3Cluster.WaitUntilAsync(
            () => Task.FromResult(Cluster.Nodes.All(node => ExtentsOn(node, size).Any())), HealTimeout, $"a shard of {key} on every node");
        return content;
    }

    private async Task<byte[]> GetAsync(int node, string key)
    {
        using GetObjectResponse response = await Client(node).GetObjectAsync(_bucket, key);
        using var copy = new MemoryStream();
        await response.ResponseStream.CopyToAsync(copy);
        return copy.ToArray();
    }

    // Sizes of objects tell them apart: the newest extent with a shard of that size.
    private LiveExtent ExtentOn(int node, int size) => ExtentsOn(node, size).Last();

    private IEnumerable<LiveExtent> ExtentsOn(int node, int size)
    {
        long sealedBytes = FragmentLayout.SealedBytes((size + Cluster.Shape.Data - 1) / Cluster.Shape.Data);
        return LiveExtents.Of(Cluster.Files.StorageFolder(node)).Where(extent => extent.Header.Shard.Length == sealedBytes);
    }

    private Task LoggedAsync(string[] anyOf, string name, Func<Task> again) => S3Cluster.WaitUntilAsync(
        async () =>
        {
            if (Cluster.Nodes.Any(node => anyOf.Any(words => Cluster.Files.HasLogged(node, words))))
                return true;
            await again();
            return false;
        },
        HealTimeout, $"{name}: \"{anyOf[0]}\" in a log");

    public sealed class Fixture() : ClusterFixture(ClusterShape.Three with { LogLevel = "Debug" });
}

using Predastore.Shards.Crypto;
using Predastore.Shards.Striping;
using Xunit;

namespace Predastore.Shards.Tests.Crypto;

public sealed class FragmentSpecs
{
    private const ulong WriteId = 7UL << 32 | 42;
    private static readonly Guid Cluster = Guid.ParseExact("00112233445566778899aabbccddeeff", "N");
    private static readonly ObjectHash Hash = ObjectHash.Compute(Cluster, WriteId);

    private static DataKey Key(int first = 0) => new(Enumerable.Range(first, 32).Select(i => (byte)i).ToArray());

    private static byte[] Body(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7 + 3))];

    private static byte[] SealedShard(byte[] body, uint shardIndex = 2, DataKey? key = null)
    {
        using FragmentSealer sealer = new(key ?? Key(), Hash, WriteId);
        byte[] result = new byte[FragmentLayout.SealedBytes(body.Length)];
        Assert.Equal(result.Length, sealer.SealShardRun(shardIndex, 0, end: true, body, result));
        return result;
    }

    private static FragmentFault Open(byte[] fragment, uint shardIndex, ulong fragNum, bool end, int size, DataKey? key = null,
        ObjectHash? hash = null, ulong writeId = WriteId)
    {
        using FragmentOpener opener = new(key ?? Key(), hash ?? Hash, writeId);
        byte[] body = Enumerable.Repeat((byte)0xCC, size).ToArray();
        FragmentFault fault = opener.TryOpen(shardIndex, fragNum, end, size, fragment, body);
        if (fault == FragmentFault.None) Assert.NotEqual(0xCC, body[^1]);
        return fault;
    }

    [Fact]
    public void Fragments_should_equal_the_golden_files()
    {
        byte[] shard = SealedShard(Body(2 * 8192 + 100));
        Assert.Equal(Golden.Bytes("fragment-v1-full.bin"), shard[..8240]);
        Assert.Equal(Golden.Bytes("fragment-v1-last.bin"), shard[(2 * 8240)..]);
        Assert.Equal(Golden.Bytes("object-hash-v1.bin"), Hash.ToArray());
        byte[] inline = Golden.Bytes("fragment-v1-inline.bin");
        Assert.Equal(inline, InlineSealer.Seal(Key(), Hash, WriteId, "inline object"u8));
        Assert.Equal(FragmentFault.None, InlineSealer.TryOpen(Key(), Hash, WriteId, inline, out byte[] body));
        Assert.Equal("inline object"u8, body);
    }

    [Fact]
    public void Digest_should_equal_the_golden_file_however_it_is_fed()
    {
        byte[] shard = SealedShard(Body(2 * 8192 + 100));
        using ShardDigest digest = new();
        digest.AppendFragments(shard);
        byte[] whole = digest.Finish();
        Assert.Equal(Golden.Bytes("shard-digest-v1.bin"), whole);
        digest.AppendFragments(shard.AsSpan(0, 8240));
        digest.AppendTag(shard.AsSpan(2 * 8240 - 16, 16));
        digest.AppendFragments(shard.AsSpan(2 * 8240));
        Assert.Equal(whole, digest.Finish());
        Assert.Throws<ArgumentException>(() => digest.AppendFragments(shard.AsSpan(0, 8240 + 48)));
        Assert.Throws<ArgumentException>(() => digest.AppendTag(shard.AsSpan(0, 15)));
    }

    [Theory]
    [InlineData(1), InlineData(8191), InlineData(8192), InlineData(8193), InlineData(65536), InlineData(70_001)]
    public void Shards_should_open_to_what_was_sealed(int length)
    {
        byte[] body = Body(length), shard = SealedShard(body);
        using FragmentOpener opener = new(Key(), Hash, WriteId);
        byte[] opened = new byte[length];
        int count = (int)FragmentLayout.FragmentCount(length);
        FragmentRunResult result = opener.OpenShardRun(2, 0, count, length, shard, opened);
        Assert.Equal(new FragmentRunResult(count, FragmentFault.None), result);
        Assert.Equal(body, opened);
        Assert.DoesNotContain(Convert.ToHexString(body.AsSpan(0, Math.Min(length, 16))), length < 16 ? "" : Convert.ToHexString(shard));
    }

    [Fact]
    public void Runs_should_equal_single_fragments()
    {
        byte[] body = Body(3 * 8192 + 5), expected = SealedShard(body), actual = new byte[expected.Length];
        using FragmentSealer sealer = new(Key(), Hash, WriteId);
        int at = sealer.SealShardRun(2, 0, end: false, body.AsSpan(0, 8192), actual);
        at += sealer.Seal(2, 1, end: false, body.AsSpan(8192, 8192), actual.AsSpan(at));
        at += sealer.SealShardRun(2, 2, end: true, body.AsSpan(2 * 8192), actual.AsSpan(at));
        Assert.Equal(expected.Length, at);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Sealing_and_opening_in_place_should_work()
    {
        byte[] body = Body(8192), buffer = new byte[8240];
        body.CopyTo(buffer, 32);
        using FragmentSealer sealer = new(Key(), Hash, WriteId);
        sealer.Seal(2, 0, end: true, buffer.AsSpan(32, 8192), buffer);
        Assert.Equal(SealedShard(body), buffer);
        using FragmentOpener opener = new(Key(), Hash, WriteId);
        Assert.Equal(FragmentFault.None, opener.TryOpen(2, 0, 8192L, buffer, buffer.AsSpan(32, 8192)));
        Assert.Equal(body, buffer[32..^16]);
    }

    [Fact]
    public void Flipping_any_byte_should_be_detected()
    {
        byte[] fragment = SealedShard(Body(8192));
        using FragmentOpener opener = new(Key(), Hash, WriteId);
        byte[] body = new byte[8192];
        for (int i = 0; i < fragment.Length; i++)
        {
            fragment[i] ^= (byte)(1 << i % 8);
            FragmentFault fault = opener.TryOpen(2, 0, 8192L, fragment, body);
            Assert.Equal(i < 32 ? FragmentFault.Header : FragmentFault.Tag, fault);
            if (fault == FragmentFault.Tag) Assert.False(body.AsSpan().ContainsAnyExcept((byte)0));
            fragment[i] ^= (byte)(1 << i % 8);
        }
        Assert.Equal(FragmentFault.None, opener.TryOpen(2, 0, 8192L, fragment, body));
    }

    [Fact]
    public void Fragments_should_not_open_at_another_place()
    {
        byte[] body = Body(2 * 8192), shard = SealedShard(body);
        byte[] first = shard[..8240], second = shard[8240..];
        Assert.Equal(FragmentFault.None, Open(first, 2, 0, false, 8192));
        Assert.Equal(FragmentFault.Header, Open(second, 2, 0, true, 8192));
        Assert.Equal(FragmentFault.Header, Open(first, 2, 1, false, 8192));
        Assert.Equal(FragmentFault.Header, Open(first, 2, 0, true, 8192));
        Assert.Equal(FragmentFault.Tag, Open(first, 3, 0, false, 8192));
        Assert.Equal(FragmentFault.Tag, Open(first, 2, 0, false, 8192, Key(1)));
        Assert.Equal(FragmentFault.Tag, Open(first, 2, 0, false, 8192, hash: ObjectHash.Compute(Guid.Empty, WriteId)));
        Assert.Equal(FragmentFault.Header, Open(first, 2, 0, false, 8192, writeId: WriteId + 1));
        Assert.Equal(FragmentFault.Tag, Open(Forged(first, 1), 2, 1, false, 8192));
        Assert.Equal(FragmentFault.Length, Open(first[..^1], 2, 0, false, 8192));
        Assert.Equal(FragmentFault.Length, Open([], 2, 0, false, 8192));
    }

    /// <summary>The fragment with another number in its header: what an attacker who knows the format would do.</summary>
    private static byte[] Forged(byte[] fragment, byte fragNum)
    {
        byte[] copy = [.. fragment];
        copy[7] = fragNum;
        return copy;
    }

    [Fact]
    public void Runs_should_stop_at_the_first_bad_fragment()
    {
        byte[] body = Body(5 * 8192 + 1), shard = SealedShard(body);
        shard[3 * 8240 + 100] ^= 1;
        using FragmentOpener opener = new(Key(), Hash, WriteId);
        byte[] opened = new byte[body.Length];
        Assert.Equal(new FragmentRunResult(3, FragmentFault.Tag), opener.OpenShardRun(2, 0, 6, body.Length, shard, opened));
        Assert.Equal(body[..(3 * 8192)], opened[..(3 * 8192)]);
        Assert.Equal(new FragmentRunResult(2, FragmentFault.None),
            opener.OpenShardRun(2, 4, 2, body.Length, shard.AsSpan(4 * 8240), opened));
        Assert.Equal(new FragmentRunResult(1, FragmentFault.Length),
            opener.OpenShardRun(2, 0, 2, body.Length, shard.AsSpan(0, 8240 + 4000), opened));
        Assert.Equal(new FragmentRunResult(1, FragmentFault.Length),
            opener.OpenShardRun(2, 5, 1, body.Length, [.. shard.AsSpan(5 * 8240), 0], opened));
    }

    [Fact]
    public void Nonces_should_not_be_used_twice()
    {
        using FragmentSealer sealer = new(Key(), Hash, WriteId);
        byte[] body = Body(8192), target = new byte[8240];
        sealer.Seal(0, 5, false, body, target);
        Assert.Throws<InvalidOperationException>(() => sealer.Seal(0, 5, false, body, target));
        Assert.Throws<InvalidOperationException>(() => sealer.SealShardRun(0, 4, true, body, target));
        sealer.Seal(1, 5, true, body, target);
        Assert.Throws<InvalidOperationException>(() => sealer.Seal(1, 6, true, body, target));
        sealer.Seal(0, 6, false, body, target);
    }

    [Fact]
    public void Bad_bodies_should_be_refused()
    {
        using FragmentSealer sealer = new(Key(), Hash, WriteId);
        byte[] target = new byte[3 * 8240];
        Assert.Throws<ArgumentException>(() => sealer.Seal(0, 0, false, Body(100), target));
        Assert.Throws<ArgumentException>(() => sealer.Seal(0, 0, true, Body(8193), target));
        Assert.Throws<ArgumentException>(() => sealer.Seal(0, 0, true, Body(8192), new byte[8239]));
        Assert.Throws<ArgumentException>(() => sealer.SealShardRun(0, 0, false, Body(8193), target));
        Assert.Throws<ArgumentException>(() => sealer.SealShardRun(0, 0, true, Body(8193), new byte[8240]));
        Assert.Equal(0, sealer.SealShardRun(0, 0, true, [], target));
    }

    [Fact]
    public void Inline_data_should_open_only_for_its_write()
    {
        foreach (int length in new[] { 0, 1, 4096 })
        {
            byte[] blob = InlineSealer.Seal(Key(), Hash, WriteId, Body(length));
            Assert.Equal(length + 48, blob.Length);
            Assert.Equal(FragmentFault.None, InlineSealer.TryOpen(Key(), Hash, WriteId, blob, out byte[] body));
            Assert.Equal(Body(length), body);
            for (int i = 0; i < blob.Length; i++)
            {
                blob[i] ^= 0x10;
                Assert.NotEqual(FragmentFault.None, InlineSealer.TryOpen(Key(), Hash, WriteId, blob, out body));
                Assert.Empty(body);
                blob[i] ^= 0x10;
            }
            Assert.NotEqual(FragmentFault.None, InlineSealer.TryOpen(Key(), Hash, WriteId + 1, blob, out _));
            Assert.NotEqual(FragmentFault.None, InlineSealer.TryOpen(Key(2), Hash, WriteId, blob, out _));
            Assert.Equal(FragmentFault.Length, InlineSealer.TryOpen(Key(), Hash, WriteId, blob.AsSpan(0, 47), out _));
        }
        Assert.Throws<ArgumentException>(() => InlineSealer.Seal(Key(), Hash, WriteId, Body(4097)));
    }

    [Fact]
    public void Sizes_should_convert_both_ways()
    {
        long last = -1;
        foreach (long n in Enumerable.Range(0, 20_000).Select(i => (long)i).Append(5L << 40))
        {
            long size = FragmentLayout.SealedBytes(n);
            Assert.True(size > last);
            Assert.True(FragmentLayout.TryShardBytes(size, out long back));
            Assert.Equal(n, back);
            for (long gap = last + 1; n < 20_000 && gap < size; gap++) Assert.False(FragmentLayout.TryShardBytes(gap, out _));
            last = size;
        }
        Assert.False(FragmentLayout.TryShardBytes(-1, out _));
        Assert.Equal(new IndexRange(0, 0), FragmentLayout.FragmentsOf(0, 0));
        Assert.Equal(new IndexRange(0, 2), FragmentLayout.FragmentsOf(8191, 2));
        Assert.Equal(new IndexRange(1, 1), FragmentLayout.FragmentsOf(8192, 8192));
        Assert.Equal((8240L, 8240L + 149), FragmentLayout.SealedRange(2 * 8192 + 101, new IndexRange(1, 2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => FragmentLayout.BodySize(8192, 1));
    }

    [Fact]
    public void Object_hash_should_order_as_its_bytes()
    {
        Random random = new(5);
        for (int i = 0; i < 1000; i++)
        {
            byte[] a = new byte[32], b = new byte[32];
            random.NextBytes(a);
            a.CopyTo(b, 0);
            b[random.Next(32)] ^= (byte)random.Next(256);
            Assert.Equal(Math.Sign(a.AsSpan().SequenceCompareTo(b)), Math.Sign(new ObjectHash(a).CompareTo(new ObjectHash(b))));
            Assert.Equal(a.AsSpan().SequenceEqual(b), new ObjectHash(a) == new ObjectHash(b));
            Assert.Equal(a, new ObjectHash(a).ToArray());
        }
        Assert.Throws<ArgumentException>(() => new ObjectHash(new byte[31]));
    }

    [Fact]
    public void Disposed_key_should_not_seal()
    {
        DataKey key = Key();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new FragmentSealer(key, Hash, WriteId));
    }
}

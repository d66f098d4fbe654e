using System.Security.Cryptography;
using Predastore.Shards.Crypto;
using Xunit;

namespace Predastore.Shards.Tests.Crypto;

public sealed class KeySpecs
{
    private static readonly Guid Cluster = Guid.ParseExact("00112233445566778899aabbccddeeff", "N");

    private static byte[] Bytes(int first) => [.. Enumerable.Range(first, 32).Select(i => (byte)i)];

    [Theory]
    [InlineData("c37b7e6492584340bed12207808941155068f738",
        "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a")]
    [InlineData("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f")]
    public void Platform_key_wrap_should_match_rfc_5649(string secret, string wrapped)
    {
        using Aes aes = Aes.Create();
        aes.Key = Convert.FromHexString("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        Assert.Equal(wrapped, Convert.ToHexStringLower(aes.EncryptKeyWrapPadded(Convert.FromHexString(secret))));
        Assert.Equal(secret, Convert.ToHexStringLower(aes.DecryptKeyWrapPadded(Convert.FromHexString(wrapped))));
    }

    [Fact]
    public void Wrapped_keys_should_equal_the_golden_files()
    {
        using MasterKeys master = new(new MasterKey(Bytes(0x40)));
        using BucketKey bucket = new(Bytes(0x80), 1);
        using DataKey data = new(Bytes(0));
        Assert.Equal(Golden.Bytes("wrapped-bucket-key-v1.bin"), master.WrapBucketKey(bucket));
        Assert.Equal(Golden.Bytes("wrapped-data-key-v1.bin"), bucket.WrapDataKey(data));
        Assert.Equal(Golden.Bytes("wrapped-secret-v1.bin"), master.WrapSecret("correct horse"u8));
        Assert.Equal(Golden.Bytes("master-fingerprint-v1.bin"), master.Current.Fingerprint(Cluster));

        using BucketKey bucketAgain = master.UnwrapBucketKey(Golden.Bytes("wrapped-bucket-key-v1.bin"), 1);
        Assert.Equal(Bytes(0x80), bucketAgain.Bytes);
        using DataKey dataAgain = bucketAgain.UnwrapDataKey(Golden.Bytes("wrapped-data-key-v1.bin"));
        Assert.Equal(Bytes(0), dataAgain.Bytes);
        Assert.Equal("correct horse"u8, master.UnwrapSecret(Golden.Bytes("wrapped-secret-v1.bin")));
    }

    [Fact]
    public void Flipping_any_byte_of_a_wrapped_key_should_be_detected()
    {
        using BucketKey bucket = BucketKey.Generate(1);
        byte[] blob = bucket.WrapDataKey(DataKey.Generate());
        for (int i = 0; i < blob.Length; i++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                blob[i] ^= (byte)(1 << bit);
                KeyUnwrapException e = Assert.Throws<KeyUnwrapException>(() => bucket.UnwrapDataKey(blob));
                Assert.Equal(i == 0 ? KeyUnwrapFailure.Format : i < 9 ? KeyUnwrapFailure.UnknownKey : KeyUnwrapFailure.Damaged,
                    e.Failure);
                blob[i] ^= (byte)(1 << bit);
            }
        }
        bucket.UnwrapDataKey(blob).Dispose();
        for (int length = 0; length < blob.Length; length++)
            Assert.Throws<KeyUnwrapException>(() => bucket.UnwrapDataKey(blob.AsSpan(0, length)));
    }

    [Fact]
    public void Secrets_of_every_length_should_wrap()
    {
        using KeyWrap wrap = new(Bytes(1), "test");
        byte[] room = new byte[KeyWrap.SecretBytesMax];
        for (int length = 1; length <= KeyWrap.SecretBytesMax; length++)
        {
            byte[] secret = RandomNumberGenerator.GetBytes(length);
            Assert.Equal(length, wrap.Unwrap(wrap.Wrap(secret), room));
            Assert.Equal(secret, room[..length]);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => wrap.Wrap([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => wrap.Wrap(new byte[KeyWrap.SecretBytesMax + 1]));
    }

    [Fact]
    public void Purposes_should_not_mix()
    {
        using MasterKeys master = new(new MasterKey(Bytes(3)));
        byte[] secret = master.WrapSecret(Bytes(9));
        Assert.Equal(KeyUnwrapFailure.UnknownKey,
            Assert.Throws<KeyUnwrapException>(() => master.UnwrapBucketKey(secret, 1)).Failure);
    }

    [Fact]
    public void Rotation_should_unwrap_old_and_wrap_new()
    {
        using MasterKeys before = new(new MasterKey(Bytes(1)));
        using MasterKeys between = new(new MasterKey(Bytes(2)), new MasterKey(Bytes(1)));
        using MasterKeys after = new(new MasterKey(Bytes(2)));
        using BucketKey bucket = BucketKey.Generate(3);
        byte[] old = before.WrapBucketKey(bucket);
        Assert.True(before.IsCurrent(old));
        Assert.False(between.IsCurrent(old));
        using BucketKey unwrapped = between.UnwrapBucketKey(old, 3);
        Assert.Equal((bucket.KeyId, 3U), (unwrapped.KeyId, unwrapped.Version));
        byte[] renewed = between.WrapBucketKey(unwrapped);
        Assert.True(between.IsCurrent(renewed));
        after.UnwrapBucketKey(renewed, 3).Dispose();
        Assert.Equal(KeyUnwrapFailure.UnknownKey, Assert.Throws<KeyUnwrapException>(() => after.UnwrapBucketKey(old, 3)).Failure);
        Assert.Equal(between.Fingerprints(Cluster)[1], before.Fingerprints(Cluster)[0]);
    }

    [Fact]
    public void Fingerprint_should_depend_on_key_and_cluster()
    {
        using MasterKey a = new(Bytes(1)), b = new(Bytes(2));
        Assert.NotEqual(a.Fingerprint(Cluster), b.Fingerprint(Cluster));
        Assert.NotEqual(a.Fingerprint(Cluster), a.Fingerprint(Guid.Empty));
    }

    [Fact]
    public void Keys_should_be_zeroed_and_dead_after_dispose()
    {
        SecretBytes secret = new(Bytes(1));
        Span<byte> view = secret.Span;
        secret.Dispose();
        Assert.False(view.ContainsAnyExcept((byte)0));
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
        BucketKey bucket = BucketKey.Generate(1);
        bucket.Dispose();
        Assert.Throws<ObjectDisposedException>(() => bucket.WrapDataKey(DataKey.Generate()));
    }

    [Fact]
    public void Bad_sets_of_master_keys_should_be_refused()
    {
        Assert.Throws<MasterKeyException>(() => new MasterKeys());
        Assert.Throws<MasterKeyException>(() => new MasterKeys(new MasterKey(Bytes(1)), new MasterKey(Bytes(1))));
        Assert.Throws<ArgumentException>(() => new MasterKey(new byte[31]));
    }
}

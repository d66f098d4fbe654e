using System.Text;
using Predastore.Actors.Metadata;
using Predastore.Actors.Metadata.Storage;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

public class KeySchemaSpecs
{
    private static readonly byte[] s_upload = [.. Enumerable.Range(0xA0, 16).Select(b => (byte)b)];

    public static TheoryData<string, string> Golden => new()
    {
        { Hex(KeySchema.SchemaVersion), "0001" },
        { Hex(KeySchema.Applied), "0002" },
        { Hex(KeySchema.Bucket("ab")), "106162" },
        { Hex(KeySchema.VersionAt(7, "a\0b", new Position { Index = 1, Place = 2 })),
            "20" + "0000000000000007" + "6100ff62" + "0001" + "fffffffffffffffe" + "fffffffd" },
        { Hex(KeySchema.NullVersion(7, "a")), "21" + "0000000000000007" + "61" + "0001" },
        { Hex(KeySchema.Upload(s_upload)), "22a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" },
        { Hex(KeySchema.OpenUpload(7, "a", s_upload)), "23" + "0000000000000007" + "61" + "0001" + "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" },
        { Hex(KeySchema.PartOf(s_upload, 258)), "24a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" + "00000102" },
        { Hex(KeySchema.PartAt(s_upload, 5, 1)), "25a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" + "0000000000000005" + "00000001" },
        { Hex(KeySchema.Data([0xFE, 1])), "30fe01" },
        { Hex(KeySchema.Alias([0xFE, 1])), "31fe01" },
        { Hex(KeySchema.Garbage(9, [0xFE, 1])), "32" + "3f" + "0000000000000009" + "fe01" },
        { Hex(KeySchema.GarbageByHash([0xFE, 1])), "33fe01" },
        { Hex(KeySchema.Heal([0xFE, 1])), "34fe01" },
        { Hex(KeySchema.Session(3)), "4000000003" },
        { Hex(KeySchema.Result((3UL << 32) | 4)), "410000000300000004" },
        { Hex(KeySchema.Ring(1)), "500000000000000001" },
        { Hex(KeySchema.Storage(2)), "5100000002" },
        { Hex(KeySchema.StorageUse(2)), "5200000002" },
        { Hex(KeySchema.Replica(1, 2)), "53000000010000000000000002" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Key_should_have_its_golden_bytes(string actual, string expected) => Assert.Equal(expected, actual);

    [Fact]
    public void Version_keys_should_order_as_the_utf8_of_keys_then_newest_first()
    {
        string[] keys = ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "a\u0001", "ab", "a/", "b", "\u007f", "é", "\uffff", "😀", "\ud7ff"];
        var pairs = keys.SelectMany(k => new[] { (k, 1UL), (k, 2UL) }).ToList();
        var byText = pairs.OrderBy(p => Encoding.UTF8.GetBytes(p.k), Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)))
            .ThenByDescending(p => p.Item2).ToList();
        var byKey = pairs.OrderBy(p => KeySchema.VersionAt(1, p.k, new Position { Index = p.Item2 }),
            Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y))).ToList();
        Assert.Equal(byText, byKey);
        foreach (string key in keys) Assert.Equal(key, KeySchema.Unescape(KeySchema.Escape(key)));
    }

    [Fact]
    public void Version_id_should_sort_as_positions_and_read_back()
    {
        string old = VersionId.Format(new Position { Index = 255, Place = 3 });
        string young = VersionId.Format(new Position { Index = 256 });
        Assert.Equal("00000000000000ff00000003", old);
        Assert.True(string.CompareOrdinal(old, young) < 0);
        Assert.True(VersionId.TryParse(old, out Position position));
        Assert.Equal(new Position { Index = 255, Place = 3 }, position);
        Assert.False(VersionId.TryParse("null", out _));
        Assert.False(VersionId.TryParse("00000000000000FF00000003", out _));
        Assert.False(VersionId.TryParse(" 0000000000000ff00000003", out _));
    }

    [Fact]
    public void After_should_be_the_first_key_behind_a_prefix()
    {
        Assert.Equal([1, 3], KeySchema.After([1, 2]));
        Assert.Equal([2], KeySchema.After([1, 0xFF]));
        Assert.Equal([0xFF, 0xFF], KeySchema.After([0xFF]));
    }

    private static string Hex(byte[] key) => Convert.ToHexStringLower(key);
}

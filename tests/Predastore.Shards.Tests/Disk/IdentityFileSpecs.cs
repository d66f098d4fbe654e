using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Shards.Tests.Disk;

public sealed class IdentityFileSpecs : IDisposable
{
    private static readonly Guid Cluster = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly DiskIdentity Identity =
        new(Cluster, IdentityKind.Storage, 7, new Guid("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"), 3, 42);

    private readonly TemporaryFolder _folder = new();
    private readonly FileDisk _disk = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Bytes_should_stay_as_they_are_for_ever()
    {
        const string golden = "505245444149444E" + "00000001" + "00000002" + "00112233445566778899AABBCCDDEEFF" + "00000007" + "00000000"
            + "0F1E2D3C4B5A69788796A5B4C3D2E1F0" + "0000000000000003" + "000000000000002A" + "1D48DC84";
        Assert.Equal(golden, Convert.ToHexString(IdentityFile.Encode(Identity)));
        Assert.Equal(Identity, IdentityFile.Decode(Convert.FromHexString(golden), "golden"));
    }

    [Fact]
    public void Checksum_should_be_the_published_one() => Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));

    [Fact]
    public void Path_without_identity_should_read_as_null() => Assert.Null(IdentityFile.TryRead(_disk, _folder.Path));

    [Fact]
    public void Written_identity_should_be_read_back_and_replaced()
    {
        var path = Path.Combine(_folder.Path, "a", "b");
        IdentityFile.Write(_disk, path, Identity);
        Assert.Equal(Identity, IdentityFile.TryRead(_disk, path, Cluster, IdentityKind.Storage, 7));
        IdentityFile.Write(_disk, path, Identity with { Boots = 43 });
        Assert.Equal(43u, IdentityFile.TryRead(_disk, path)!.Boots);
        Assert.Equal([IdentityFile.Name], _disk.List(path));
    }

    [Fact]
    public void Every_flipped_bit_should_be_refused()
    {
        var bytes = IdentityFile.Encode(Identity);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<IdentityException>(() => IdentityFile.Decode(bytes, "flipped"));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Every_shorter_or_longer_file_should_be_refused()
    {
        var bytes = IdentityFile.Encode(Identity);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<IdentityException>(() => IdentityFile.Decode(bytes.AsSpan(0, length), "short"));
        Assert.Throws<IdentityException>(() => IdentityFile.Decode([.. bytes, 0], "long"));
    }

    [Theory]
    [InlineData(IdentityFault.ForeignCluster, "ffffffff-4455-6677-8899-aabbccddeeff", IdentityKind.Storage, 7)]
    [InlineData(IdentityFault.WrongKind, "00112233-4455-6677-8899-aabbccddeeff", IdentityKind.Replica, 7)]
    [InlineData(IdentityFault.WrongNumber, "00112233-4455-6677-8899-aabbccddeeff", IdentityKind.Storage, 8)]
    public void Another_disk_should_be_refused(IdentityFault fault, string cluster, IdentityKind kind, uint number)
    {
        IdentityFile.Write(_disk, _folder.Path, Identity);
        var e = Assert.Throws<IdentityException>(() => IdentityFile.TryRead(_disk, _folder.Path, new Guid(cluster), kind, number));
        Assert.Equal(fault, e.Fault);
        Assert.Contains(_folder.Path, e.Message);
    }

    [Fact]
    public void Newer_format_should_name_itself()
    {
        var bytes = IdentityFile.Encode(Identity);
        bytes[11] = 2;
        Assert.Equal(IdentityFault.UnknownFormat,
            Assert.Throws<IdentityException>(() => IdentityFile.Decode(bytes, "newer")).Fault);
    }
}

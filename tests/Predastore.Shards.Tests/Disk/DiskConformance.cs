using Predastore.Shards.Disk;
using Xunit;

namespace Predastore.Shards.Tests.Disk;

/// <summary>What every <see cref="IDisk"/> must do; a subclass names the kind under test.</summary>
public abstract class DiskConformance
{
    protected abstract IDisk Disk { get; }

    /// <summary>An existing directory with nothing in it.</summary>
    protected abstract string Root { get; }

    private string At(string name) => Path.Combine(Root, name);

    private void Fill(string name, byte[] bytes)
    {
        using var file = Disk.Open(At(name), DiskOpenMode.CreateNew);
        file.Write(0, bytes);
    }

    private byte[] Bytes(string name) => Disk.ReadFile(At(name), 1 << 20);

    [Fact]
    public void File_should_read_back_what_was_written_anywhere()
    {
        using var file = Disk.Open(At("a"), DiskOpenMode.CreateNew);
        file.Write(3, [1, 2, 3]);
        file.Write(10, [9]);
        Assert.Equal(11, file.Length);
        var buffer = new byte[20];
        Assert.Equal(11, file.Read(0, buffer));
        Assert.Equal([0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 9], buffer[..11]);
        Assert.Equal(1, file.Read(10, buffer));
        Assert.Equal(0, file.Read(11, buffer));
        Assert.Equal(0, file.Read(1000, buffer));
    }

    [Fact]
    public async Task Async_calls_should_do_as_the_others()
    {
        using var file = Disk.Open(At("a"), DiskOpenMode.CreateNew);
        await file.WriteAsync(5, new byte[] { 7, 8 });
        file.Sync();
        var buffer = new byte[10];
        Assert.Equal(7, await file.ReadAsync(0, buffer));
        Assert.Equal([0, 0, 0, 0, 0, 7, 8], buffer[..7]);
    }

    [Fact]
    public void Modes_should_be_kept()
    {
        Assert.ThrowsAny<IOException>(() => Disk.Open(At("a"), DiskOpenMode.Existing));
        Assert.ThrowsAny<IOException>(() => Disk.Open(At("a"), DiskOpenMode.ReadOnly));
        Fill("a", [1]);
        Assert.ThrowsAny<IOException>(() => Disk.Open(At("a"), DiskOpenMode.CreateNew));
        Assert.ThrowsAny<IOException>(() => Disk.Open(At("no/where"), DiskOpenMode.CreateNew));
        using (var file = Disk.Open(At("a"), DiskOpenMode.Existing))
            file.Write(1, [2]);
        Assert.Equal([1, 2], Bytes("a"));
    }

    [Fact]
    public void Deleted_file_should_stay_readable_where_it_is_open()
    {
        Fill("a", [1, 2, 3]);
        using var file = Disk.Open(At("a"), DiskOpenMode.Existing);
        Disk.DeleteFile(At("a"));
        Assert.False(Disk.Exists(At("a")));
        var buffer = new byte[3];
        Assert.Equal(3, file.Read(0, buffer));
        Assert.Equal([1, 2, 3], buffer);
    }

    [Fact]
    public void Length_should_cut_and_extend_with_zeros()
    {
        Fill("a", [1, 2, 3, 4]);
        using var file = Disk.Open(At("a"), DiskOpenMode.Existing);
        file.SetLength(2);
        file.SetLength(5);
        var buffer = new byte[9];
        Assert.Equal(5, file.Read(0, buffer));
        Assert.Equal([1, 2, 0, 0, 0], buffer[..5]);
    }

    [Fact]
    public void Allocated_range_should_keep_bytes_and_read_as_zeros()
    {
        Fill("a", [1, 2, 3]);
        using var file = Disk.Open(At("a"), DiskOpenMode.Existing);
        file.Allocate(1, 9000);
        var buffer = new byte[8];
        Assert.Equal(8, file.Read(0, buffer));
        Assert.Equal([1, 2, 3, 0, 0, 0, 0, 0], buffer);
        Assert.Equal(9001, file.Length);
    }

    [Fact]
    public void Punched_range_should_read_as_zeros_and_keep_the_length()
    {
        var bytes = new byte[20_000];
        Array.Fill(bytes, (byte)5);
        Fill("a", bytes);
        using (var file = Disk.Open(At("a"), DiskOpenMode.Existing))
        {
            file.PunchHole(100, 12_000);
            Assert.Equal(bytes.Length, file.Length);
        }
        bytes.AsSpan(100, 12_000).Clear();
        Assert.Equal(bytes, Bytes("a"));
    }

    [Fact]
    public void Names_should_be_listed_in_order_and_go_when_deleted()
    {
        Fill("b", []);
        Fill("a", []);
        Disk.CreateDirectory(At("c/d"));
        Disk.CreateDirectory(At("c/d"));
        Fill("c/d/e", [1]);
        Assert.Equal(["a", "b", "c"], Disk.List(Root));
        Assert.True(Disk.Exists(At("c")));
        Assert.True(Disk.Exists(At("a")));
        Disk.DeleteFile(At("a"));
        Disk.DeleteFile(At("a"));
        Disk.DeleteFile(At("no/where"));
        Disk.DeleteDirectory(At("c"));
        Disk.DeleteDirectory(At("c"));
        Assert.Equal(["b"], Disk.List(Root));
        Assert.False(Disk.Exists(At("c/d/e")));
    }

    [Fact]
    public void Rename_should_replace_a_file_and_move_a_directory()
    {
        Fill("a", [1]);
        Fill("b", [2]);
        Disk.Rename(At("a"), At("b"));
        Assert.Equal([1], Bytes("b"));
        Assert.False(Disk.Exists(At("a")));
        Disk.CreateDirectory(At("c"));
        Fill("c/x", [3]);
        Disk.Rename(At("c"), At("d"));
        Assert.Equal([3], Bytes("d/x"));
        Assert.Equal(["b", "d"], Disk.List(Root));
        Disk.SyncDirectory(Root);
    }

    [Fact]
    public void Open_file_should_outlive_its_name()
    {
        Fill("a", [1, 2]);
        using var file = Disk.Open(At("a"), DiskOpenMode.ReadOnly);
        Disk.DeleteFile(At("a"));
        var buffer = new byte[2];
        Assert.Equal(2, file.Read(0, buffer));
        Assert.Equal([1, 2], buffer);
    }

    [Fact]
    public void Directory_that_is_missing_should_not_sync_or_list()
    {
        Assert.ThrowsAny<IOException>(() => Disk.SyncDirectory(At("missing")));
        Assert.ThrowsAny<IOException>(() => Disk.List(At("missing")));
    }

    [Fact]
    public void Space_should_be_told()
    {
        var space = Disk.Space(Root);
        Assert.InRange(space.FreeBytes, 1, space.TotalBytes);
    }

    [Fact]
    public void Replaced_file_should_hold_the_new_bytes_only()
    {
        Disk.ReplaceFile(At("a"), [1, 2, 3]);
        Disk.ReplaceFile(At("a"), [4]);
        Assert.Equal([4], Bytes("a"));
        Assert.Equal(["a"], Disk.List(Root));
        Assert.Throws<InvalidDataException>(() => Disk.ReadFile(At("a"), 0));
    }

    [Fact]
    public async Task Disjoint_writes_should_run_at_once()
    {
        using var file = Disk.Open(At("a"), DiskOpenMode.CreateNew);
        await Parallel.ForAsync(0, 64, async (i, cancel) =>
        {
            var bytes = new byte[1000];
            Array.Fill(bytes, (byte)(i + 1));
            await file.WriteAsync(i * 1000, bytes, cancel);
        });
        var all = new byte[64_000];
        Assert.Equal(all.Length, file.Read(0, all));
        for (var i = 0; i < all.Length; i++)
            Assert.Equal((byte)((i / 1000) + 1), all[i]);
    }
}

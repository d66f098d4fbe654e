using System.Text;
using CsCheck;
using Predastore.Shards.Disk;
using Xunit;

namespace Predastore.Shards.Tests.Disk;

/// <summary>What every <see cref="IOrderedKv"/> must do; a subclass names the kind under test.</summary>
public abstract class OrderedKvConformance
{
    protected abstract IOrderedKvFactory Factory { get; }

    /// <summary>A directory for the database, in which nothing stands yet.</summary>
    protected abstract string Directory { get; }

    /// <summary>
    /// Loses power while <paramref name="kv"/> is open, and opens what is left of it. Unsynced bytes may survive.
    /// </summary>
    protected abstract IOrderedKv Crash(IOrderedKv kv, OrderedKvOptions options);

    private static readonly OrderedKvOptions Logged = new();
    private static readonly OrderedKvOptions Unlogged = new(WriteAheadLog: false);

    private static byte[] B(string text) => Encoding.UTF8.GetBytes(text);

    private static string S(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private static List<string> Keys(IOrderedKv kv)
    {
        using var view = kv.View();
        using var cursor = view.Cursor();
        var keys = new List<string>();
        for (cursor.Seek([]); cursor.Valid; cursor.Next())
            keys.Add(S(cursor.Key));
        return keys;
    }

    [Fact]
    public void Get_should_return_what_was_put_and_null_for_the_rest()
    {
        using var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put(B("a"), B("1")).Put(B("empty"), []), sync: true);
        Assert.Equal("1", S(kv.Get(B("a"))));
        Assert.Equal([], kv.Get(B("empty"))!);
        Assert.Null(kv.Get(B("b")));
    }

    [Fact]
    public void Batch_should_apply_in_order()
    {
        using var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put(B("a"), B("1")).Delete(B("a")).Put(B("b"), B("1")).Put(B("b"), B("2")).Delete(B("missing")), false);
        Assert.Null(kv.Get(B("a")));
        Assert.Equal("2", S(kv.Get(B("b"))));
    }

    [Fact]
    public void Order_should_be_of_unsigned_bytes()
    {
        using var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put([0xFF], [1]).Put([0x7F], [2]).Put([0x80], [3]).Put([0x7F, 0], [4]).Put([], [5]), false);
        using var view = kv.View();
        using var cursor = view.Cursor();
        var values = new List<byte>();
        for (cursor.Seek([]); cursor.Valid; cursor.Next())
            values.Add(cursor.Value[0]);
        Assert.Equal([5, 2, 4, 3, 1], values);
    }

    [Fact]
    public void Cursor_should_seek_both_ways()
    {
        using var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put(B("b"), B("1")).Put(B("d"), B("2")), false);
        using var view = kv.View();
        using var cursor = view.Cursor();
        Assert.False(cursor.Valid);
        cursor.Seek(B("b"));
        Assert.Equal("b", S(cursor.Key));
        cursor.Seek(B("c"));
        Assert.Equal("d", S(cursor.Key));
        cursor.SeekForPrev(B("c"));
        Assert.Equal("b", S(cursor.Key));
        cursor.SeekForPrev(B("d"));
        Assert.Equal("d", S(cursor.Key));
        cursor.Prev();
        Assert.Equal("b", S(cursor.Key));
        cursor.Prev();
        Assert.False(cursor.Valid);
        cursor.SeekForPrev(B("a"));
        Assert.False(cursor.Valid);
        cursor.Seek(B("e"));
        Assert.False(cursor.Valid);
    }

    [Fact]
    public void View_should_not_see_later_writes()
    {
        using var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put(B("a"), B("old")), false);
        using var view = kv.View();
        kv.Write(new KvBatch().Put(B("a"), B("new")).Put(B("b"), B("new")), false);
        Assert.Equal("old", S(view.Get(B("a"))));
        Assert.Null(view.Get(B("b")));
        using var cursor = view.Cursor();
        cursor.Seek([]);
        Assert.Equal("old", S(cursor.Value));
        cursor.Next();
        Assert.False(cursor.Valid);
    }

    [Fact]
    public void Close_should_keep_everything()
    {
        using (var kv = Factory.Open(Directory, Logged))
            kv.Write(new KvBatch().Put(B("a"), B("1")), true);
        using (var kv = Factory.Open(Directory, Logged))
            Assert.Equal(["a"], Keys(kv));
    }

    [Fact]
    public void Open_should_refuse_a_database_that_is_open()
    {
        using var kv = Factory.Open(Directory, Logged);
        var e = Assert.Throws<KvException>(() => Factory.Open(Directory, Logged));
        Assert.Equal(KvFailure.Locked, e.Failure);
    }

    [Fact]
    public void Delete_should_leave_nothing()
    {
        Factory.Delete(Directory);
        using (var kv = Factory.Open(Directory, Logged))
            kv.Write(new KvBatch().Put(B("a"), B("1")), true);
        Factory.Delete(Directory);
        using (var kv = Factory.Open(Directory, Logged))
            Assert.Empty(Keys(kv));
    }

    [Fact]
    public void Disposed_database_should_refuse_calls_and_let_a_view_end()
    {
        var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put(B("a"), B("1")), false);
        var view = kv.View();
        kv.Dispose();
        kv.Dispose();
        Assert.Throws<ObjectDisposedException>(() => kv.Get(B("a")));
        Assert.Throws<ObjectDisposedException>(() => kv.Write(new KvBatch().Put(B("a"), B("1")), false));
        Assert.Equal("1", S(view.Get(B("a"))));
        view.Dispose();
        Assert.Throws<ObjectDisposedException>(() => view.Get(B("a")));
        Factory.Open(Directory, Logged).Dispose();
    }

    [Fact]
    public void Synced_write_without_log_should_be_refused()
    {
        using var kv = Factory.Open(Directory, Unlogged);
        Assert.Throws<InvalidOperationException>(() => kv.Write(new KvBatch().Put(B("a"), B("1")), sync: true));
    }

    [Fact]
    public void Crash_should_keep_synced_batches_and_a_prefix_of_the_rest()
    {
        var kv = Factory.Open(Directory, Logged);
        for (var i = 0; i < 40; i++)
            kv.Write(new KvBatch().Put(B($"{i:d3}"), B("1")).Put(B($"{i:d3}x"), B("2")), sync: i == 19);
        using var after = Crash(kv, Logged);
        var keys = Keys(after);
        Assert.InRange(keys.Count, 40, 80);
        Assert.Equal(Enumerable.Range(0, keys.Count / 2).SelectMany(i => new[] { $"{i:d3}", $"{i:d3}x" }), keys);
    }

    [Fact]
    public void Crash_without_log_should_stand_at_a_batch_at_or_after_the_last_flush()
    {
        var kv = Factory.Open(Directory, Unlogged);
        for (var i = 0; i < 40; i++)
        {
            kv.Write(new KvBatch().Put(B($"{i:d3}"), B("1")).Put(B("applied"), B($"{i:d3}")), sync: false);
            if (i == 19)
                kv.Flush();
        }
        using var after = Crash(kv, Unlogged);
        var applied = int.Parse(S(after.Get(B("applied"))));
        Assert.InRange(applied, 19, 39);
        Assert.Equal(Enumerable.Range(0, applied + 1).Select(i => $"{i:d3}").Append("applied"), Keys(after));
    }

    [Fact]
    public void Crash_should_not_bring_back_what_a_synced_batch_deleted()
    {
        var kv = Factory.Open(Directory, Logged);
        kv.Write(new KvBatch().Put(B("a"), B("1")).Put(B("b"), B("1")), true);
        kv.Write(new KvBatch().Delete(B("a")), true);
        using var after = Crash(kv, Logged);
        Assert.Equal(["b"], Keys(after));
    }

    [Fact]
    public void Concurrent_writers_and_readers_should_not_disturb_each_other()
    {
        using var kv = Factory.Open(Directory, Logged);
        Parallel.For(0, 8, t =>
        {
            for (var i = 0; i < 100; i++)
            {
                kv.Write(new KvBatch().Put(B($"{t}-{i:d3}"), B("1")).Put(B($"{t}-last"), B($"{i:d3}")), sync: i % 50 == 0);
                using var view = kv.View();
                Assert.Equal($"{i:d3}", S(view.Get(B($"{t}-last"))));
            }
        });
        Assert.Equal(8 * 101, Keys(kv).Count);
    }

    [Fact]
    public void Random_batches_should_agree_with_a_sorted_dictionary()
    {
        using var kv = Factory.Open(Directory, Logged);
        var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var operation = Gen.Select(Gen.Int[0, 30], Gen.Int[0, 99], Gen.Int[0, 3]);
        operation.Array[1, 20].Sample(batch =>
        {
            var native = new KvBatch();
            foreach (var (key, value, kind) in batch)
            {
                if (kind == 0)
                {
                    native.Delete(B($"{key:d3}"));
                    model.Remove($"{key:d3}");
                }
                else
                {
                    native.Put(B($"{key:d3}"), B($"{value}"));
                    model[$"{key:d3}"] = $"{value}";
                }
            }
            kv.Write(native, sync: false);
            using var view = kv.View();
            using var cursor = view.Cursor();
            var found = new List<KeyValuePair<string, string>>();
            for (cursor.Seek([]); cursor.Valid; cursor.Next())
                found.Add(new(S(cursor.Key), S(cursor.Value)));
            return model.SequenceEqual(found);
        }, iter: 100, threads: 1);
    }
}

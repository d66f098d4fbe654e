using Predastore.Actors.Raft.Journal;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Actors.Tests.Raft.Journal;

/// <summary>A journal whose last synced events are gone is damaged, however whole the rest looks.</summary>
public sealed class JournalEndSpecs : IDisposable
{
    private const int Events = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TemporaryFolder _disk = new();

    private string Folder => Path.Combine(_disk.Path, "journal");

    private string End => Path.Combine(Folder, JournalEnd.FileName);

    public void Dispose() => _disk.Dispose();

    [Theory]
    [InlineData("torn")]
    [InlineData("cut between two")]
    [InlineData("zeros from between two")]
    public async Task Log_that_lost_its_end_should_be_refused(string how)
    {
        long half = 0;
        string crashed = await CrashedAsync(() => half = new FileInfo(LogOf(Folder)).Length);
        using (FileStream file = File.OpenWrite(LogOf(crashed)))
        {
            long length = file.Length;
            file.SetLength(how == "torn" ? length - 40 : half);
            if (how == "zeros from between two")
                file.SetLength(length);
        }

        JournalDamagedException error = await Assert.ThrowsAsync<JournalDamagedException>(() => CountAsync(crashed));
        Assert.Contains("were synced", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_that_were_never_answered_for_may_be_lost()
    {
        // As after a power cut: the number was not synced and is an earlier one.
        string crashed = await CrashedAsync(() => File.Copy(End, Path.Combine(_disk.Path, "earlier")));
        File.Copy(Path.Combine(_disk.Path, "earlier"), Path.Combine(crashed, JournalEnd.FileName), overwrite: true);
        Assert.Equal(Events, await CountAsync(crashed));
    }

    [Fact]
    public async Task One_torn_slot_should_cost_nothing_and_a_missing_file_refuse()
    {
        string crashed = await CrashedAsync();
        string end = Path.Combine(crashed, JournalEnd.FileName);
        byte[] slots = File.ReadAllBytes(end);
        slots.AsSpan(0, 512).Clear();
        File.WriteAllBytes(end, slots);
        Assert.Equal(Events, await CountAsync(crashed));

        File.WriteAllBytes(end, new byte[slots.Length]);
        await Assert.ThrowsAsync<JournalDamagedException>(() => CountAsync(crashed));
        File.Delete(end);
        await Assert.ThrowsAsync<JournalDamagedException>(() => CountAsync(crashed));
    }

    [Fact]
    public async Task Journal_from_before_the_number_should_be_taken_as_it_is()
    {
        using (var old = new JournalStore(new RocksKvFactory(), Folder, new FileDisk()))
            await old.WriteAsync("a", [Record(1)]).WaitAsync(Patience);
        File.Delete(End);
        using (IOrderedKv kv = new RocksKvFactory().Open(Folder, new OrderedKvOptions(WriteAheadLog: true)))
            kv.Write(new KvBatch().Delete(JournalRows.BatchesKey), sync: true);

        Assert.Equal(1, await CountAsync(Folder));
        Assert.True(File.Exists(End));
    }

    // A copy of the folder while the database is open, as a crash leaves it.
    private async Task<string> CrashedAsync(Action? halfWay = null)
    {
        string copy = Path.Combine(_disk.Path, "crashed");
        using var store = new JournalStore(new RocksKvFactory(), Folder, new FileDisk());
        for (int n = 1; n <= Events; n++)
        {
            await store.WriteAsync("a", [Record(n)]).WaitAsync(Patience);
            if (n == Events / 2)
                halfWay?.Invoke();
        }

        TemporaryFolder.Copy(Folder, copy);
        return copy;
    }

    private static string LogOf(string folder) => Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal).Last();

    private static JournalRecord Record(int n) => new(n, 7, "m", new byte[100]);

    private static async Task<int> CountAsync(string folder)
    {
        using var store = new JournalStore(new RocksKvFactory(), folder, new FileDisk());
        return await store.ReadAsync(reader => reader.Events("a").Count).WaitAsync(Patience);
    }
}

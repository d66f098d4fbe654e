using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Maintenance.Scrub;
using Predastore.Actors.Metadata;
using Predastore.Actors.Tests.Maintenance;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit.Abstractions;

namespace Predastore.Actors.Tests.Damage;

/// <summary>Flipped bits of segment files and of the index beside them, on real files and RocksDB.</summary>
public sealed class SegmentFlipSpecs(ITestOutputHelper output) : IDisposable
{
    private const int Objects = 24;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_flip_in_a_live_extent_should_be_found_never_served_and_repaired()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using MaintenanceFixture fixture = await FilledAsync();
        int rounds = Flips.Count(12);
        int flips = 0;
        for (int round = 0; round < rounds; round++)
        {
            // Up to M shards of one object, several bits each: what is left is still enough.
            int number = random.Next(Objects);
            DataRow row = fixture.Row($"k{number}");
            uint[] shards = [.. Enumerable.Range(0, 5).Select(shard => (uint)shard).OrderBy(_ => random.Next()).Take(random.Next(1, 3))];
            foreach (uint shard in shards)
            {
                uint storageId = row.Placement[(int)shard];
                byte[] whole = fixture.Stores.Bytes(storageId, MaintenanceFixture.KeyOf(row, shard))!;
                for (int i = 0; i < 4; i++, flips++)
                    fixture.Stores.Flip(storageId, MaintenanceFixture.KeyOf(row, shard), random.Next(whole.Length), random.Next(8));
                if (fixture.Stores.Bytes(storageId, MaintenanceFixture.KeyOf(row, shard))!.AsSpan().SequenceEqual(whole))
                    continue;
                Assert.NotNull(await CheckAsync(fixture, row, shard));
            }

            Assert.Equal(Content(number), await fixture.ReadAsync($"k{number}"));
            fixture.Queue(row, shards);
            await fixture.RoundAsync((int)(row.DataId[0] >> 2));
            foreach (uint shard in shards)
                Assert.Null(await CheckAsync(fixture, row, shard));
        }

        fixture.AssertCensus();
        output.WriteLine($"{flips} bits flipped in live extents, all found and repaired");
    }

    [Fact]
    public async Task Flips_in_extent_headers_should_cost_only_what_their_rebuild_cannot_find()
    {
        var random = new Random(3);
        await using MaintenanceFixture fixture = await FilledAsync();
        int rounds = Flips.Count(2);
        for (int round = 0; round < rounds; round++)
        {
            DataRow[] rows = [.. Enumerable.Range(0, 6).Select(_ => fixture.Row($"k{random.Next(Objects)}")).DistinctBy(row => row.DataId)];
            foreach (DataRow row in rows)
                fixture.Stores.FlipHeader(2, MaintenanceFixture.KeyOf(row, (uint)row.Placement.IndexOf(2)), random.Next(128), random.Next(8));
            Predastore.Shards.Segments.RebuildReport report = fixture.Stores.LoseIndex(2);
            Assert.Equal(Objects - rows.Length, report.Shards);
            await ScrubAsync(fixture, 2);
            await fixture.RoundAsync();
            fixture.AssertCensus();
        }
    }

    [Fact]
    public async Task Flips_in_index_files_should_never_make_a_wrong_row()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using MaintenanceFixture fixture = await FilledAsync();
        int rebuilt = 0, harmless = 0, healed = 0;
        int rounds = Flips.Count(6);
        for (int round = 0; round < rounds; round++)
        {
            string where = "";
            if (fixture.Stores.Reopen(2, () => where = Flips.FlipSome(Path.Combine(fixture.Stores.FolderOf(2), "index"), random)))
                rebuilt++;
            ulong faults = await ScrubAsync(fixture, 2);
            if (fixture.Stores[2].IndexDamage is not null)
            {
                // A block that opening does not read was met while running: a node opens the disk anew then.
                fixture.Stores.Reopen(2, static () => { }, rebuild: true);
                rebuilt++;
                faults = await ScrubAsync(fixture, 2);
            }

            if (faults > 0)
                healed++;
            else
                harmless++;
            await fixture.RoundAsync();
            for (int i = 0; i < Objects; i += 5)
                Assert.Equal(Content(i), await fixture.ReadAsync($"k{i}"));
            await fixture.CollectAsync();
            fixture.AssertCensus();
        }

        output.WriteLine($"{rounds} flips of index files: {rebuilt} rebuilt, {healed} healed after, {harmless} without loss");
    }

    private async Task<MaintenanceFixture> FilledAsync()
    {
        var fixture = new MaintenanceFixture(3, 2, 5, folder: _folder.Path);
        for (int i = 0; i < Objects; i++)
            await fixture.PutAsync($"k{i}", Content(i).Length, i);
        return fixture;
    }

    private static byte[] Content(int number) => MaintenanceFixture.Bytes(4200 + (number * 9001), number);

    private static async Task<string?> CheckAsync(MaintenanceFixture fixture, DataRow row, uint shard)
    {
        using Predastore.Shards.Segments.ShardReader reader =
            fixture.Stores[row.Placement[(int)shard]].TryOpenRead(MaintenanceFixture.KeyOf(row, shard))!;
        using Predastore.Shards.Crypto.DataKey key = fixture.Keys.Unwrap(fixture.Bucket, row.Keys);
        return await ShardCheck.RunAsync(reader, row, shard, key, _ => Task.CompletedTask, CancellationToken.None);
    }

    private async Task<ulong> ScrubAsync(MaintenanceFixture fixture, uint storageId)
    {
        var scrub = new ScrubWork(
            fixture.Parts, storageId, fixture.Stores[storageId], new ScrubCursor(new FileDisk(), _folder.Path), NullLogger.Instance);
        scrub.BeginNow();
        do
            await fixture.StepAsync(scrub);
        while (scrub.State.Running);
        return scrub.State.LastFaults;
    }
}

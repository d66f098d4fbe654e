using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Raft.Journal;
using Predastore.Actors.Tests.Metadata;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit.Abstractions;

namespace Predastore.Actors.Tests.Damage;

/// <summary>Flipped bits of the Raft journal, the metadata state, identity files and wrapped keys, on real files.</summary>
public sealed class MetadataFlipSpecs(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Flips_of_the_journal_should_be_seen_or_cost_nothing_that_was_synced()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string pristine = Path.Combine(_folder.Path, "pristine");
        List<JournalRecord> written = [];
        using (var store = new JournalStore(new RocksKvFactory(), pristine, new FileDisk()))
        {
            for (int n = 1; n <= 200; n++)
            {
                byte[] payload = new byte[random.Next(50, 2000)];
                random.NextBytes(payload);
                written.Add(new JournalRecord(n, 7, "event", payload));
                await store.WriteAsync("raft", [written[^1]]).WaitAsync(Patience);
            }
        }

        int seen = 0, whole = 0;
        int rounds = Flips.Count(12);
        for (int round = 0; round < rounds; round++)
        {
            string copy = Path.Combine(_folder.Path, $"copy{round}");
            TemporaryFolder.Copy(pristine, copy);
            string where = Flips.FlipSome(copy, random);
            List<JournalRecord>? read = await ReadAsync(copy);
            Directory.Delete(copy, recursive: true);
            if (read is null)
            {
                seen++;
                continue;
            }

            // What is read is what was written, the last record too: it was synced, whatever its log ends with.
            Assert.True(read.Count == written.Count, $"{where}: {read.Count} of {written.Count} events");
            for (int i = 0; i < read.Count; i++)
            {
                Assert.Equal(written[i].SequenceNr, read[i].SequenceNr);
                Assert.True(written[i].Payload.AsSpan().SequenceEqual(read[i].Payload), where);
            }

            whole++;
        }

        output.WriteLine($"{rounds} flips of the journal: {seen} seen, {whole} without effect");
    }

    [Fact]
    public void Flips_of_the_metadata_state_should_be_seen_or_change_no_row()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string pristine = Path.Combine(_folder.Path, "state");
        byte[] expected;
        using (MetadataStore store = Bench.Open(new RocksKvFactory(), pristine))
        {
            using var bench = new Bench();
            BucketRow bucket = bench.Bucket();
            for (int i = 0; i < 300; i++)
                bench.Put(bucket, $"key{i}");
            foreach (MetadataEntry entry in bench.Log)
                store.Apply([entry]);
            store.Flush();
            using IKvView view = store.View();
            expected = MetadataStore.Hash(view);
        }

        int seen = 0, whole = 0;
        int rounds = Flips.Count(12);
        for (int round = 0; round < rounds; round++)
        {
            string copy = Path.Combine(_folder.Path, $"state{round}");
            TemporaryFolder.Copy(pristine, copy);
            string where = Flips.FlipSome(copy, random);
            byte[]? hash = HashOf(copy);
            Directory.Delete(copy, recursive: true);
            if (hash is null)
                seen++;
            else
                Assert.True(expected.AsSpan().SequenceEqual(hash), where);
            whole += hash is null ? 0 : 1;
        }

        output.WriteLine($"{rounds} flips of the metadata state: {seen} seen, {whole} without effect");
    }

    [Fact]
    public void Every_bit_of_an_identity_file_should_be_seen()
    {
        var identity = new DiskIdentity(Guid.NewGuid(), IdentityKind.Storage, 3, Guid.NewGuid(), 0, 0);
        IdentityFile.Write(new FileDisk(), _folder.Path, identity);
        string path = Path.Combine(_folder.Path, IdentityFile.Name);
        for (int at = 0; at < IdentityFile.Bytes; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                Flips.FlipBit(path, at, bit);
                Assert.Throws<IdentityException>(() => IdentityFile.TryRead(new FileDisk(), _folder.Path));
                Flips.FlipBit(path, at, bit);
            }
        }

        Assert.Equal(identity, IdentityFile.TryRead(new FileDisk(), _folder.Path));
    }

    [Fact]
    public void Every_bit_of_a_wrapped_key_should_be_seen()
    {
        byte[] master = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        using var keys = new KeyCache(new MasterKeys(new MasterKey(master)));
        var bucket = new BucketRow { Name = "b", Id = 5 };
        bucket.Keys.Add(keys.NewBucketKey(1));
        using Shards.Crypto.DataKey data = Shards.Crypto.DataKey.Generate();
        WrappedKey wrapped = keys.Wrap(bucket, data);
        int flips = 0;
        foreach (byte[] changed in Changed(wrapped.Blob.ToByteArray()))
        {
            WrappedKey damaged = wrapped.Clone();
            damaged.Blob = ByteString.CopyFrom(changed);
            Assert.Equal(StoreFailure.Damaged, Assert.Throws<StoreException>(() => keys.Unwrap(bucket, damaged)).Failure);
            flips++;
        }

        foreach (byte[] changed in Changed(bucket.Keys[0].Blob.ToByteArray()))
        {
            BucketRow damaged = bucket.Clone();
            damaged.Keys[0].Blob = ByteString.CopyFrom(changed);
            using var fresh = new KeyCache(new MasterKeys(new MasterKey(master.ToArray())));
            Assert.Throws<StoreException>(() => fresh.Unwrap(damaged, wrapped));
            flips++;
        }

        output.WriteLine($"{flips} flips of wrapped keys, all seen");
    }

    private static IEnumerable<byte[]> Changed(byte[] bytes)
    {
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] changed = [.. bytes];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return changed;
        }
    }

    private static async Task<List<JournalRecord>?> ReadAsync(string folder)
    {
        try
        {
            using var store = new JournalStore(new RocksKvFactory(), folder, new FileDisk());
            return await store.ReadAsync(reader => reader.Events("raft")).WaitAsync(Patience);
        }
        catch (Exception error) when (error is IOException or InvalidDataException)
        {
            return null;
        }
    }

    private static byte[]? HashOf(string folder)
    {
        try
        {
            using MetadataStore store = Bench.Open(new RocksKvFactory(), folder);
            using IKvView view = store.View();
            return MetadataStore.Hash(view);
        }
        catch (Exception error) when (error is IOException or InvalidDataException)
        {
            return null;
        }
    }
}

using Google.Protobuf;
using Predastore.Actors.Metadata.Replica;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Journal;
using Predastore.Shards.Crypto;
using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using Xunit.Abstractions;

namespace Predastore.Simulation.Tests.Store;

/// <summary>
/// One bit turned, of every kind of file that is written: it is noticed before anything of it is used. <c>PREDA_FLIPS=n</c> turns that
/// many. That what is noticed is also repaired is the cluster simulation's matter.
/// </summary>
[Collection("seeds")]
public sealed class BitFlipSpecs(ITestOutputHelper output)
{
    private const int FlipsInCi = 40_000;
    private static readonly Guid Cluster = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid Uuid = new("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");

    private sealed record Kind(string Name, byte[] Bytes, Func<byte[], bool> Noticed, int Weight);

    [Fact]
    public void Turned_bit_should_be_noticed_in_every_kind_of_file()
    {
        Kind[] kinds = [Shard(), Inline(), BucketKeyBlob(), DataKeyBlob(), Extent(), SegmentStart(), Identity(), Journal(), Snapshot()];
        foreach (Kind kind in kinds)
            Assert.False(kind.Noticed([.. kind.Bytes]), $"{kind.Name} does not read as it was written");
        var random = new SimRandom(1);
        long count = (long)(SeedRunner.Number("PREDA_FLIPS") ?? FlipsInCi);
        var done = new Dictionary<string, long>();
        Kind[] weighted = [.. kinds.SelectMany(kind => Enumerable.Repeat(kind, kind.Weight))];
        for (long i = 0; i < count; i++)
        {
            Kind kind = random.Pick(weighted);
            byte[] damaged = [.. kind.Bytes];
            int bit = random.Next(damaged.Length * 8);
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(kind.Noticed(damaged), $"bit {bit} of {kind.Name} was turned and not noticed");
            done[kind.Name] = done.GetValueOrDefault(kind.Name) + 1;
        }

        output.WriteLine($"{count} bits turned, all noticed: {string.Join(", ", done.Select(d => $"{d.Key} {d.Value}"))}");
    }

    private static Kind Shard()
    {
        var key = new DataKey(new byte[32]);
        ObjectHash hash = ObjectHash.Compute(Cluster, 9);
        byte[] plain = new byte[(2 * FragmentLayout.BodyBytesMax) + 1234];
        byte[] bytes = new byte[FragmentLayout.SealedBytes(plain.Length)];
        using (var sealer = new FragmentSealer(key, hash, 9))
            sealer.SealShardRun(1, 0, end: true, plain, bytes);
        byte[] opened = new byte[plain.Length];
        return new Kind("sealed shard", bytes, damaged =>
        {
            using var opener = new FragmentOpener(key, hash, 9);
            return !opener.OpenShardRun(1, 0, 3, plain.Length, damaged, opened).Ok;
        }, 8);
    }

    private static Kind Inline()
    {
        var key = new DataKey(new byte[32]);
        ObjectHash hash = ObjectHash.Compute(Cluster, 9);
        byte[] bytes = InlineSealer.Seal(key, hash, 9, new byte[700]);
        return new Kind("inline data", bytes, damaged => InlineSealer.TryOpen(key, hash, 9, damaged, out _) != FragmentFault.None, 1);
    }

    private static Kind BucketKeyBlob()
    {
        var masters = new MasterKeys(new MasterKey(new byte[32]));
        using BucketKey key = BucketKey.Generate(1);
        return new Kind("wrapped bucket key", masters.WrapBucketKey(key), damaged => Throws<KeyUnwrapException>(() => masters.UnwrapBucketKey(damaged, 1).Dispose()), 1);
    }

    private static Kind DataKeyBlob()
    {
        BucketKey bucket = BucketKey.Generate(1);
        using DataKey key = DataKey.Generate();
        return new Kind("wrapped data key", bucket.WrapDataKey(key), damaged => Throws<KeyUnwrapException>(() => bucket.UnwrapDataKey(damaged).Dispose()), 1);
    }

    private static Kind Extent()
    {
        byte[] bytes = new byte[ExtentHeader.Bytes];
        new ExtentHeader(new ShardRow(new ShardKey(ObjectHash.Compute(Cluster, 9), 1), Uuid, 9, 2, 1, 5000, 77), 0, 1, 5000, 3).Encode(bytes);
        return new Kind("extent header", bytes, damaged => !ExtentHeader.TryDecode(damaged, out _), 1);
    }

    // The zeros after it mean nothing.
    private static Kind SegmentStart() => new("segment header", new SegmentHeader(Cluster, 7, Uuid, 1).Encode()[..56], damaged =>
    {
        byte[] block = new byte[SegmentHeader.Bytes];
        damaged.CopyTo(block, 0);
        return !SegmentHeader.TryDecode(block, out _);
    }, 1);

    private static Kind Identity()
    {
        byte[] bytes = IdentityFile.Encode(new DiskIdentity(Cluster, IdentityKind.Storage, 7, Uuid, 1, 2));
        return new Kind("identity", bytes, damaged => Throws<IdentityException>(() => IdentityFile.Decode(damaged, "identity")), 1);
    }

    // All rows of a journal of a few events, their values one after the other.
    private static Kind Journal()
    {
        const string Id = "raft";
        var factory = new MemoryKvFactory();
        using IOrderedKv kv = factory.Open("/journal", new OrderedKvOptions());
        var writer = new JournalWriter();
        for (int i = 1; i <= 6; i++)
        {
            var batch = new KvBatch();
            writer.Append(kv, batch, Id, [new JournalRecord(i, 1, "event", new JournalEvent { Term = (ulong)i, FirstIndex = (ulong)i }.ToByteArray())]);
            kv.Write(batch, sync: true);
        }

        var deletion = new KvBatch();
        writer.Delete(kv, deletion, Id, 2);
        kv.Write(deletion, sync: true);
        List<(byte[] Key, byte[] Value)> rows = [];
        using (IKvView view = kv.View())
        using (IKvCursor cursor = view.Cursor())
        {
            for (cursor.Seek([]); cursor.Valid; cursor.Next())
                rows.Add((cursor.Key.ToArray(), cursor.Value.ToArray()));
        }

        return new Kind("journal", [.. rows.SelectMany(row => row.Value)], damaged =>
        {
            using IOrderedKv copy = new MemoryKvFactory().Open("/copy", new OrderedKvOptions());
            var batch = new KvBatch();
            int at = 0;
            foreach ((byte[] key, byte[] value) in rows)
            {
                batch.Put(key, damaged.AsSpan(at, value.Length));
                at += value.Length;
            }

            copy.Write(batch, sync: true);
            using IKvView view = copy.View();
            return Throws<JournalDamagedException>(() => new JournalReader(view).Events(Id));
        }, 2);
    }

    private static Kind Snapshot()
    {
        var power = new CrashPoint();
        var disk = new MemoryDisk(power);
        var databases = new MemoryKvFactory(power);
        var machine = new MetadataMachine("/from", disk, databases);
        machine.Open("");
        for (ulong i = 1; i <= 3; i++)
        {
            var command = new Predastore.Actors.Metadata.Command
            {
                FeatureLevel = 1,
                OpenSession = new Predastore.Actors.Metadata.OpenSession { Node = (uint)i, Nonce = ByteString.CopyFrom((byte)i) },
            };
            machine.Apply([new CommittedEntry(new LogPosition(i, 1), true, command.ToByteArray())]);
        }

        using var all = new MemoryStream();
        LogPosition position;
        using (ISnapshotSource source = machine.TakeSnapshot())
        {
            position = source.Position;
            byte[] buffer = new byte[4096];
            for (int read; (read = source.Read(buffer)) > 0;)
                all.Write(buffer, 0, read);
        }

        var receiver = new MetadataMachine("/to", disk, databases);
        receiver.Open("");
        return new Kind("snapshot", all.ToArray(), damaged =>
        {
            return Throws<InvalidDataException>(() =>
            {
                using ISnapshotSink sink = receiver.ReceiveSnapshot(position);
                sink.Write(damaged);
                sink.Complete();
            });
        }, 2);
    }

    private static bool Throws<T>(Action action)
        where T : Exception
    {
        try
        {
            action();
            return false;
        }
        catch (T)
        {
            return true;
        }
    }
}

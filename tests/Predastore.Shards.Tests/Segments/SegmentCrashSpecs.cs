using Predastore.Shards.Disk;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;
using Predastore.Testing.Disk;
using Xunit;
using static Predastore.Shards.Tests.Segments.StoreFixture;

namespace Predastore.Shards.Tests.Segments;

/// <summary>
/// Random work beside a dictionary, with the power cut at every I/O step: what was acknowledged is there byte for byte, what was
/// deleted stays deleted, what was under way is there whole or not at all.
/// </summary>
public sealed class SegmentCrashSpecs
{
    private const int Operations = 14;
    private const int Keys = 5;

    /// <summary>What a key may hold: certain, or one of two while an operation on it was cut short.</summary>
    private sealed class Model
    {
        private readonly Dictionary<int, HashSet<int>> _seeds = [];

        private const int Absent = -1;

        public void Certain(int key, int? seed) => _seeds[key] = [seed ?? Absent];

        public void Maybe(int key, int? seed) => Possible(key).Add(seed ?? Absent);

        public HashSet<int> Possible(int key) => _seeds.TryGetValue(key, out var seeds) ? seeds : _seeds[key] = [Absent];

        public void Check(SegmentStore store, string where)
        {
            for (var key = 0; key < Keys; key++)
            {
                var found = store.Read(Key(key));
                var matching = Possible(key).Where(s => s == Absent ? found is null : found is not null && found.SequenceEqual(Bytes(s)));
                var kept = matching.ToList();
                Assert.True(kept.Count > 0, $"{where}: key {key} holds {found?.Length} bytes, allowed {string.Join(',', Possible(key))}");
                _seeds[key] = [kept[0]];
            }
        }
    }

    private static byte[] Bytes(int seed) => Content(seed, seed * 37 % 5000);

    private sealed class Run(int seed)
    {
        public CrashPoint Power { get; } = new();

        public Model Model { get; } = new();

        public SegmentStore? Store { get; private set; }

        private MemoryDisk _disk = null!;
        private MemoryKvFactory _kv = null!;

        public void Start()
        {
            _disk = new MemoryDisk(Power);
            _kv = new MemoryKvFactory(Power);
            Open();
        }

        public void Open() => Store = SegmentStore.Open(_disk, _kv, Tiny("/d"));

        public void Lose(Random random)
        {
            Power.Restore();
            _disk.Crash(random);
            _kv.Crash(random);
        }

        /// <summary>The same operations for the same seed, whatever the crash.</summary>
        public async Task WorkAsync(int operations)
        {
            var random = new Random(seed);
            for (var i = 0; i < operations; i++)
            {
                var store = Store!;
                var key = random.Next(Keys);
                var content = random.Next(1, 10_000);
                var kind = random.Next(10);
                if (kind < 5)
                {
                    // The older attempt, if any, is deleted in a call of its own, as heal does.
                    var old = store.Stat(Key(key))?.AttemptId;
                    Model.Maybe(key, content);
                    var result = await store.PutAsync(Key(key), Bytes(content), hint: kind % 2 == 0);
                    Assert.Equal(CommitOutcome.Committed, result.Outcome);
                    Model.Certain(key, content);
                    if (old is { } attempt)
                        store.Delete(Key(key), attempt);
                }
                else if (kind < 7)
                {
                    Model.Maybe(key, null);
                    // An attempt behind the newest may be left by a crash between the two calls above; all go together.
                    store.Delete(Key(key));
                    Model.Certain(key, null);
                }
                else if (kind < 8)
                {
                    (await store.WriteAsync(Key(key), Bytes(content), hint: false)).Abort();
                }
                else
                {
                    store.CompactStep(random.Next(1, 6000));
                }
            }
        }
    }

    private static async Task<bool> CrashedAsync(Func<Task> work)
    {
        try
        {
            await work();
            return false;
        }
        catch (SimulatedCrashException)
        {
            return true;
        }
    }

    /// <summary>Workloads: 8, or as many as <c>PREDA_WORKLOADS</c> says.</summary>
    public static TheoryData<int> Workloads
        => [.. Enumerable.Range(1, int.TryParse(Environment.GetEnvironmentVariable("PREDA_WORKLOADS"), out var count) ? count : 8)];

    [Theory]
    [MemberData(nameof(Workloads))]
    public async Task Every_crash_point_should_leave_what_was_acknowledged(int seed)
    {
        for (var step = 0; ; step++)
        {
            var run = new Run(seed);
            run.Power.CrashAt(step);
            var crashed = await CrashedAsync(async () =>
            {
                run.Start();
                await run.WorkAsync(Operations);
            });
            if (!crashed)
            {
                Assert.True(step > Operations, "the workload did next to nothing");
                run.Model.Check(run.Store!, $"seed {seed}, no crash");
                return;
            }
            // The second crash is in the recovery from the first.
            for (var second = 0; ; second = (second * 2) + 1)
            {
                run.Lose(new Random((seed * 1_000_000) + (step * 100) + second));
                run.Power.CrashAt(second);
                if (!await CrashedAsync(() =>
                {
                    run.Open();
                    return Task.CompletedTask;
                }))
                {
                    break;
                }
            }
            run.Power.Restore();
            run.Model.Check(run.Store!, $"seed {seed}, crash at step {step}");
            await run.WorkAsync(4);
            run.Model.Check(run.Store!, $"seed {seed}, crash at step {step}, going on");
        }
    }

    [Fact]
    public async Task Long_random_work_with_reopening_should_agree_with_the_model()
    {
        for (var seed = 100; seed < 104; seed++)
        {
            var run = new Run(seed);
            run.Start();
            var random = new Random(seed);
            for (var round = 0; round < 8; round++)
            {
                await run.WorkAsync(60);
                run.Model.Check(run.Store!, $"seed {seed}, round {round}");
                if (random.Next(2) == 0)
                    run.Store!.Dispose();
                else
                    run.Lose(random);
                run.Open();
                run.Model.Check(run.Store!, $"seed {seed}, round {round}, reopened");
            }
        }
    }
}

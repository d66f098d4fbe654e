using Predastore.Host.Tests.Commands;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Storages;
using Xunit;

namespace Predastore.Host.Tests.Admin;

public sealed class StorageCommandsSpecs : IDisposable
{
    private readonly CommandRunner _runner = new();
    private readonly FakeStorages _storages = new();

    public StorageCommandsSpecs()
    {
        _runner.Environment["AWS_ACCESS_KEY_ID"] = RealDoor.Admin.AccessKeyId;
        _runner.Environment["AWS_SECRET_ACCESS_KEY"] = RealDoor.Admin.SecretAccessKey;
        _runner.Environment["AWS_DEFAULT_REGION"] = RealDoor.Region;
    }

    public void Dispose() => _runner.Dispose();

    [Fact]
    public async Task Verbs_should_reach_their_actions_with_the_ids_given_and_show_the_ring()
    {
        await using RealDoor door = await RealDoor.StartAsync([.. StorageActions.Of(_storages)]);
        Assert.Equal(0, await RunAsync(door, "list"));
        Assert.Equal(0, await RunAsync(door, "add", "--id", "6", "7"));
        Assert.Equal(0, await RunAsync(door, "drain", "--id", "5"));
        Assert.Equal(0, await RunAsync(door, "remove", "--id", "5"));
        Assert.Equal(0, await RunAsync(door, "replace", "--id", "4", "--by", "8"));
        Assert.Equal(0, await RunAsync(door, "scrub"));
        Assert.Equal(["list", "add 6,7", "drain 5", "remove 5", "replace 4 by 8", "scrub "], _storages.Calls);
        foreach (string expected in new[] { "ring epoch 3, 1 storage ids, 5 shards an object", "draining", "1,234", "zone [a]", "begun on storage ids 1, 2" })
            Assert.Contains(expected, _runner.Out.ToString());
    }

    [Fact]
    public async Task Refusal_should_be_one_line_and_an_exit_code()
    {
        await using RealDoor door = await RealDoor.StartAsync([.. StorageActions.Of(_storages)]);
        Assert.NotEqual(0, await RunAsync(door, "remove", "--id", "9"));
        Assert.Contains("data rows still name storage id 9", _runner.Error.ToString());
        Assert.NotEqual(0, await RunAsync(door, "add"));
    }

    private Task<int> RunAsync(RealDoor door, params string[] verb)
        => _runner.RunAsync(["admin", "storage", .. verb, "--endpoint", door.Address.ToString(), "--tls-ca", door.CaFile]);

    private sealed class FakeStorages : IStorageAdmin
    {
        private static readonly StorageList List = new()
        {
            Epoch = 3,
            Shards = 5,
            Storages =
            [
                new StorageEntry(1, 1, true, "normal", 1234, 1, "zone [a]", "h1"),
                new StorageEntry(5, 5, false, "draining", 7, 0, "", ""),
            ],
        };

        public List<string> Calls { get; } = [];

        public Task<StorageList> ListAsync(CancellationToken cancel) => Note("list");

        public Task<StorageList> AddAsync(StorageIds ids, CancellationToken cancel) => Note("add " + string.Join(',', ids.Ids));

        public Task<StorageList> DrainAsync(StorageIds ids, CancellationToken cancel) => Note("drain " + string.Join(',', ids.Ids));

        public Task<StorageList> RemoveAsync(StorageIds ids, CancellationToken cancel) => ids.Ids.Contains(9u)
            ? throw new AdminException(AdminFault.Refused, "3 data rows still name storage id 9")
            : Note("remove " + string.Join(',', ids.Ids));

        public Task<StorageList> ReplaceAsync(StorageReplacement ids, CancellationToken cancel) => Note($"replace {ids.Old} by {ids.By}");

        public Task<StorageIds> ScrubAsync(StorageIds ids, CancellationToken cancel)
        {
            Calls.Add("scrub " + string.Join(',', ids.Ids));
            return Task.FromResult(new StorageIds { Ids = [1, 2] });
        }

        private Task<StorageList> Note(string call)
        {
            Calls.Add(call);
            return Task.FromResult(List);
        }
    }
}

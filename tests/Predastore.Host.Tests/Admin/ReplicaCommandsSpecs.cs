using System.Text.Json;
using Predastore.Host.Tests.Commands;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Replicas;
using Xunit;

namespace Predastore.Host.Tests.Admin;

public sealed class ReplicaCommandsSpecs : IDisposable
{
    private readonly CommandRunner _runner = new();

    public ReplicaCommandsSpecs()
    {
        _runner.Environment["AWS_ACCESS_KEY_ID"] = RealDoor.Admin.AccessKeyId;
        _runner.Environment["AWS_SECRET_ACCESS_KEY"] = RealDoor.Admin.SecretAccessKey;
        _runner.Environment["AWS_DEFAULT_REGION"] = RealDoor.Region;
    }

    public void Dispose() => _runner.Dispose();

    [Fact]
    public async Task List_should_be_a_table_for_people_and_json_for_programs()
    {
        await using RealDoor door = await RealDoor.StartAsync([.. ReplicaActions.Of(new FakeReplicas())]);

        Assert.Equal(0, await RunAsync(door, "list"));
        string table = _runner.Out.ToString();
        _runner.Out.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync(door, "list", "--json"));

        foreach (string expected in new[] { "leader node 2, term 7, 2 of 2 votes decide", "00000000000000aa", "learner", "1,200", "emptied [x]" })
            Assert.Contains(expected, table);
        using JsonDocument json = JsonDocument.Parse(_runner.Out.ToString());
        Assert.Equal(1200, json.RootElement.GetProperty("replicas")[2].GetProperty("behind").GetInt64());
    }

    private Task<int> RunAsync(RealDoor door, params string[] verb)
        => _runner.RunAsync(["admin", "replica", .. verb, "--endpoint", door.Address.ToString(), "--tls-ca", door.CaFile]);

    private sealed class FakeReplicas : IReplicaAdmin
    {
        public Task<ReplicaList> ListAsync(CancellationToken cancel) => Task.FromResult(new ReplicaList
        {
            ClusterId = "00112233445566778899aabbccddeeff",
            Leader = 2,
            Term = 7,
            Quorum = 2,
            Replicas =
            [
                new Replica(1, "00000000000000aa", "voter", "follower", 100, 0, 100, ""),
                new Replica(2, "00000000000000bb", "voter", "leader", 100, 0, 100, ""),
                new Replica(3, "00000000000000cc", "learner", "learner", 100, 1200, 90, "emptied [x]"),
            ],
        });
    }
}

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

    [Fact]
    public async Task Change_should_send_its_target_and_say_what_was_done()
    {
        var replicas = new FakeReplicas();
        await using RealDoor door = await RealDoor.StartAsync([.. ReplicaActions.Of(replicas)]);

        Assert.Equal(0, await RunAsync(door, "add", "--node", "3"));
        Assert.Equal(0, await RunAsync(door, "promote", "--node", "3", "--replica", "00000000000000cc"));
        Assert.Equal(0, await RunAsync(door, "remove", "--node", "2", "--fewer"));

        Assert.Equal(
            ["add 3  False", "promote 3 00000000000000cc False", "remove 2  True"], replicas.Asked);
        Assert.Contains("remove 2  True is done", _runner.Out.ToString());
    }

    [Fact]
    public async Task Replacement_should_be_asked_for_until_it_is_done()
    {
        var replicas = new FakeReplicas { StepsToReplace = 3 };
        await using RealDoor door = await RealDoor.StartAsync([.. ReplicaActions.Of(replicas)]);

        Assert.Equal(0, await RunAsync(door, "replace", "--node", "3"));
        Assert.Equal(3, replicas.Asked.Count);

        replicas.StepsToReplace = 100;
        Assert.Equal((int)ExitCode.Refused, await RunAsync(door, "replace", "--node", "3", "--timeout", "0.1"));
        Assert.Contains("of 100", _runner.Out.ToString());
    }

    [Fact]
    public async Task Refusal_should_be_one_line_with_its_own_exit_code()
    {
        var replicas = new FakeReplicas { Refusal = "the group would survive the loss of 0 voters" };
        await using RealDoor door = await RealDoor.StartAsync([.. ReplicaActions.Of(replicas)]);

        string error = await _runner.FailAsync(
            ExitCode.Refused, "admin", "replica", "remove", "--node", "2", "--endpoint", door.Address.ToString(), "--tls-ca", door.CaFile);

        Assert.Contains("survive the loss of 0 voters", error);
    }

    private Task<int> RunAsync(RealDoor door, params string[] verb)
        => _runner.RunAsync(["admin", "replica", .. verb, "--endpoint", door.Address.ToString(), "--tls-ca", door.CaFile]);

    private sealed class FakeReplicas : IReplicaAdmin
    {
        public List<string> Asked { get; } = [];

        public int StepsToReplace { get; set; } = 1;

        public string? Refusal { get; init; }

        public Task<ReplicaChange> AddAsync(ReplicaTarget target, CancellationToken cancel) => Take("add", target, true);

        public Task<ReplicaChange> PromoteAsync(ReplicaTarget target, CancellationToken cancel) => Take("promote", target, true);

        public Task<ReplicaChange> RemoveAsync(ReplicaTarget target, CancellationToken cancel) => Take("remove", target, true);

        public async Task<ReplicaChange> ReplaceAsync(ReplicaTarget target, CancellationToken cancel)
            => (await Take("replace", target, Asked.Count + 1 >= StepsToReplace)) with { Message = $"step {Asked.Count} of {StepsToReplace}" };

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

        private Task<ReplicaChange> Take(string verb, ReplicaTarget target, bool done)
        {
            if (Refusal is not null)
                throw new AdminException(AdminFault.Refused, Refusal);
            string asked = $"{verb} {target.Node} {target.Incarnation} {target.AcceptFewer}";
            Asked.Add(asked);
            return Task.FromResult(new ReplicaChange(done, asked + " is done"));
        }
    }
}

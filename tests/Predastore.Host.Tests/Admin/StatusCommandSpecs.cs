using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Predastore.Host.Tests.Commands;
using Predastore.Http.Admin;
using Xunit;

namespace Predastore.Host.Tests.Admin;

public sealed class StatusCommandSpecs : IDisposable
{
    private static readonly ClusterStatus Sample = new()
    {
        Cluster = "demo [x]",
        ClusterId = "00112233445566778899aabbccddeeff",
        AnsweredBy = 1,
        Version = "0.1.0",
        Raft = new RaftStatus(2, 7, 12345, 3, 2),
        Ring = new RingStatus(4, 2, 1),
        Nodes =
        [
            new NodeStatus(1, "127.0.0.1:6660", ["db", "storage", "gate"], "up", new ReplicaStatus("follower", 7, 12345, 12340)),
            new NodeStatus(2, "127.0.0.2:6660", ["db"], "unreachable", null),
        ],
        Storages =
        [
            new StorageStatus(1, 1, "ok", 10L << 30, 5L << 30, 1536, 42, 1, "rack[1]"),
            new StorageStatus(2, 2, "unreachable", null, null, null, null, 1, ""),
        ],
        Transports = [new PeerTransportStatus(2, "tls", "libmsquic is missing")],
        Maintenance = new MaintenanceStatus(17, 3, 1),
        Sessions = [new SessionStatus(9, 1, 4, 4)],
        Warnings = ["storage id 2 is unreachable"],
    };

    private readonly TempFolder _temp = new();
    private readonly CommandRunner _runner = new();

    public StatusCommandSpecs()
    {
        _runner.Environment["AWS_ACCESS_KEY_ID"] = "AKIATEST";
        _runner.Environment["AWS_SECRET_ACCESS_KEY"] = "topsecretvalue";
        _runner.Environment["AWS_DEFAULT_REGION"] = "eu-west-1";
    }

    public void Dispose()
    {
        _runner.Dispose();
        _temp.Dispose();
    }

    private static Task Answer(HttpContext http)
    {
        bool signed = http.Request.Path == "/_/status"
            && http.Request.Headers.Authorization.ToString().Contains("Credential=AKIATEST/", StringComparison.Ordinal)
            && http.Request.Headers.Authorization.ToString().Contains("/eu-west-1/s3/aws4_request", StringComparison.Ordinal);
        if (!signed)
        {
            http.Response.StatusCode = 403;
            return Task.CompletedTask;
        }
        return JsonSerializer.SerializeAsync(http.Response.Body, Sample, ClusterStatusJson.Default.ClusterStatus);
    }

    [Fact]
    public async Task Status_should_be_a_table_for_people()
    {
        await using FakeDoor door = await FakeDoor.StartAsync(Answer);

        int code = await _runner.RunAsync("status", "--endpoint", door.Address.ToString(), "--tls-ca", _temp.Write("ca.pem", door.CaPem));

        Assert.True(code == 0, _runner.Error.ToString());
        string text = _runner.Out.ToString();
        foreach (string expected in new[]
        {
            "demo [x]", "leader node 2, term 7, commit index 12345, 2 of 3 voters reachable", "ring epoch 4, RS(2,1), 1 sessions",
            "heal backlog 17", "127.0.0.2:6660", "unreachable", "follower", "12,340", "tls (libmsquic is missing)", "10.0 GiB",
            "5.0 GiB (50 %)", "1.5 KiB", "rack[1]", "! storage id 2 is unreachable",
        })
            Assert.Contains(expected, text);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public async Task Status_should_be_json_for_programs()
    {
        await using FakeDoor door = await FakeDoor.StartAsync(Answer);

        await _runner.RunAsync("status", "--json", "--endpoint", door.Address.ToString(), "--ca", _temp.Write("ca.pem", door.CaPem));

        using JsonDocument json = JsonDocument.Parse(_runner.Out.ToString());
        Assert.Equal(17, json.RootElement.GetProperty("maintenance").GetProperty("healBacklog").GetInt64());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("nodes")[1].GetProperty("replica").ValueKind);
    }

    [Fact]
    public async Task Endpoint_of_another_ca_should_be_refused()
    {
        await using FakeDoor door = await FakeDoor.StartAsync(Answer);
        await using FakeDoor other = await FakeDoor.StartAsync(Answer);

        string error = await _runner.FailAsync(
            ExitCode.Unreachable, "status", "--endpoint", door.Address.ToString(), "--tls-ca", _temp.Write("ca.pem", other.CaPem));

        Assert.Contains("no node answered", error);
        Assert.Contains("certificate", error);
    }

    [Fact]
    public async Task Refusal_and_silence_should_be_told_apart_without_secrets()
    {
        await using FakeDoor door = await FakeDoor.StartAsync(Answer);
        string ca = _temp.Write("ca.pem", door.CaPem);
        _runner.Environment["AWS_ACCESS_KEY_ID"] = "AKIAOTHER";

        string refused = await _runner.FailAsync(ExitCode.Unreachable, "status", "--endpoint", door.Address.ToString(), "--tls-ca", ca);
        string silent = await _runner.FailAsync(ExitCode.Unreachable, "status", "--endpoint", "https://127.0.0.1:1", "--tls-ca", ca);

        Assert.Contains("403", refused);
        Assert.Contains("127.0.0.1:1", silent);
        Assert.DoesNotContain("topsecretvalue", refused + silent);
    }

    [Fact]
    public async Task What_is_missing_should_be_named()
    {
        Assert.Contains("--config", await _runner.FailAsync(ExitCode.Usage, "status"));
        Assert.Contains("plain HTTP", await _runner.FailAsync(ExitCode.Usage, "status", "--endpoint", "http://10.0.0.1"));
        Assert.Contains("no address", await _runner.FailAsync(ExitCode.Usage, "status", "--endpoint", "ftp://x"));
        Assert.Contains("--tls-ca", await _runner.FailAsync(ExitCode.Startup, "status", "--endpoint", "https://127.0.0.1:1", "--ca", _temp["none"]));
        _runner.Environment.Remove("AWS_ACCESS_KEY_ID");
        Assert.Contains("AWS_ACCESS_KEY_ID", await _runner.FailAsync(ExitCode.Usage, "status", "--endpoint", "https://127.0.0.1:1"));
    }
}

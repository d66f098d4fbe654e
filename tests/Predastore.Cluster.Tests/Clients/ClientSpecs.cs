using System.Diagnostics;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Clients;

/// <summary>
/// Ordinary clients, unchanged, each with its ordinary round of work, against one fresh cluster of real processes. A client that is not on
/// this machine is skipped, and says so; <c>scripts/clients.sh</c> fetches what the registries have.
/// </summary>
[Collection(SharedCluster.Name)]
public sealed class ClientSpecs(SharedCluster cluster, ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    [SkippableTheory]
    [InlineData("aws-cli", "bash", "aws-cli.sh", "aws --version")]
    [InlineData("boto3", "python3", "boto3_round.py", "python3 -c 'import boto3'")]
    [InlineData("rclone", "bash", "rclone.sh", "rclone version")]
    [InlineData("restic", "bash", "restic.sh", "restic version")]
    [InlineData("s3cmd", "bash", "s3cmd.sh", "s3cmd --version")]
    [InlineData("sdk-js", "node", "js_round.mjs", "cd \"$JS_PACKAGES/node_modules/@aws-sdk/lib-storage\" && node --version")]
    public async Task Client_should_do_its_ordinary_round(string client, string interpreter, string script, string probe)
    {
        string folder = Directory.CreateTempSubdirectory("predastore-client-").FullName;
        try
        {
            Dictionary<string, string> environment = Environment(client, folder);
            (int missing, string why) = await RunAsync("bash", ["-c", probe], folder, environment);
            Skip.If(missing != 0, $"{client} is not here; scripts/clients.sh fetches it where a registry has it: {why.Trim()}");
            long started = Stopwatch.GetTimestamp();
            (int code, string said) = await RunAsync(interpreter, [Path.Combine(AppContext.BaseDirectory, "Clients", script)], folder, environment);
            output.WriteLine($"{client}: {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s");
            if (code != 0)
                cluster.Cluster.DumpLogs();
            Assert.True(code == 0, $"{client} ended with {code}:{System.Environment.NewLine}{said}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private Dictionary<string, string> Environment(string client, string folder)
    {
        string fetched = System.Environment.GetEnvironmentVariable("PREDASTORE_CLIENTS")
            ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".cache", "predastore", "clients");
        Uri endpoint = cluster.Cluster.Endpoint(1);
        return new Dictionary<string, string>
        {
            ["PATH"] = $"{System.Environment.GetEnvironmentVariable("PATH")}:{fetched}/bin:{fetched}/python/bin",
            ["PYTHONPATH"] = Path.Combine(fetched, "python"),
            ["AWS_CONFIG_FILE"] = Path.Combine(folder, "config"),
            ["AWS_SHARED_CREDENTIALS_FILE"] = Path.Combine(folder, "credentials"),
            ["JS_PACKAGES"] = Path.Combine(fetched, "js"),
            ["NODE_EXTRA_CA_CERTS"] = cluster.Cluster.Files.CaFile,
            ["S3_ENDPOINT"] = endpoint.GetLeftPart(UriPartial.Authority),
            ["S3_HOST"] = endpoint.Authority,
            ["S3_CA"] = cluster.Cluster.Files.CaFile,
            ["S3_BUCKET"] = $"round-{client}",
            ["AWS_ACCESS_KEY_ID"] = ClusterFolder.AccessKeyId,
            ["AWS_SECRET_ACCESS_KEY"] = ClusterFolder.SecretAccessKey,
            ["AWS_DEFAULT_REGION"] = ClusterFolder.Region,
        };
    }

    private static async Task<(int Code, string Said)> RunAsync(
        string file, IEnumerable<string> args, string folder, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(file, args)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            return (-1, missing.Message);
        }

        using (process)
        {
            Task<string> said = process.StandardOutput.ReadToEndAsync(), complained = process.StandardError.ReadToEndAsync();
            using var limit = new CancellationTokenSource(Limit);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return (-1, $"not done within {Limit.TotalMinutes} minutes:{System.Environment.NewLine}{await said}{await complained}");
            }

            return (process.ExitCode, $"{await said}{await complained}");
        }
    }
}

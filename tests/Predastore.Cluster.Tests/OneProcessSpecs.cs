using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Predastore.Host.Local;

namespace Predastore.Cluster.Tests;

/// <summary><c>s3d</c> without a cluster file: one process is the whole cluster, says what to type, and keeps its data.</summary>
public sealed partial class OneProcessSpecs : IDisposable
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(120);
    private readonly LoopbackNetwork _network = LoopbackNetwork.Claim();
    private readonly string _folder = Directory.CreateTempSubdirectory("predastore-one-").FullName;

    private string ConfigFile => Path.Combine(_folder, "cluster.toml");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _network.Dispose();
    }

    [Fact]
    public async Task Guide_should_be_all_that_is_needed_and_data_should_outlive_the_process()
    {
        await MakeFileAsync();
        byte[] content = RandomNumberGenerator.GetBytes(5 << 20);
        using (S3dProcess first = Start("first.log"))
        {
            using AmazonS3Client s3 = await ClientOfGuideAsync(first, "first.log");
            await s3.PutBucketAsync("demo");
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = "demo", Key = "a", InputStream = new MemoryStream(content) });
            await s3.PutObjectAsync(new PutObjectRequest { BucketName = "demo", Key = "small", ContentBody = "small" });
            Assert.Equal(0, await first.TerminateAsync());
        }

        using S3dProcess second = Start("second.log");
        using AmazonS3Client again = await ClientOfGuideAsync(second, "second.log");
        ListObjectsV2Response listed = await again.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "demo" });
        Assert.Equal(["a", "small"], listed.S3Objects.Select(item => item.Key));
        using GetObjectResponse response = await again.GetObjectAsync("demo", "a");
        using var copy = new MemoryStream();
        await response.ResponseStream.CopyToAsync(copy);
        Assert.Equal(content, copy.ToArray());
    }

    // The file that the first start makes by itself, on addresses that are free here: the built-in ones are one cluster a machine.
    private async Task MakeFileAsync()
    {
        string scratch = Path.Combine(_folder, "scratch");
        LocalCluster made = LocalCluster.Prepare(scratch, TimeProvider.System);
        string text = await File.ReadAllTextAsync(made.ConfigFile);
        text = text.Replace("127.11.11.", _network.Prefix, StringComparison.Ordinal).Replace("port = 9991", $"port = {_network.DataPort(1)}", StringComparison.Ordinal);
        await File.WriteAllTextAsync(ConfigFile, text);
        File.SetUnixFileMode(ConfigFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Directory.Delete(scratch, recursive: true);
    }

    private S3dProcess Start(string log) => S3dProcess.Start(["--base-path", _folder], Path.Combine(_folder, log), new Dictionary<string, string>());

    private async Task<AmazonS3Client> ClientOfGuideAsync(S3dProcess process, string log)
    {
        string text = "";
        await S3Cluster.WaitUntilAsync(
            () =>
            {
                using var reader = new StreamReader(new FileStream(Path.Combine(_folder, log), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
                text = reader.ReadToEnd();
                Assert.False(process.HasExited, text);
                return Task.FromResult(text.Contains("Ctrl-C stops", StringComparison.Ordinal));
            },
            ReadyTimeout, "the guide");
        Dictionary<string, string> variables = Variable().Matches(text).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        Assert.Contains("aws s3 mb s3://demo", text);
        return new AmazonS3Client(
            new BasicAWSCredentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]),
            new AmazonS3Config
            {
                ServiceURL = variables["AWS_ENDPOINT_URL"],
                AuthenticationRegion = variables["AWS_DEFAULT_REGION"],
                ForcePathStyle = true,
                HttpClientFactory = new TrustedHttp(variables["AWS_CA_BUNDLE"]),
            });
    }

    [GeneratedRegex(@"\b(AWS_[A-Z_]+)=(\S+)")]
    private static partial Regex Variable();
}

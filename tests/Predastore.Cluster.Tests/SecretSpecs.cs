using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests;

/// <summary>
/// A cluster that logs all it can while it works, fails and restarts: what clients stored is in no file in the clear, and no log
/// holds anything that opens a door.
/// </summary>
public sealed partial class SecretSpecs(ITestOutputHelper output)
{
    private const string Bucket = "secrets";
    private const string Canary = "canary-5f0c1b7e-do-not-leak";

    // Long enough to be no accident in a log, short enough to survive a line break in the middle of a longer text.
    private const int PieceChars = 24;

    [Fact]
    public async Task Files_and_finest_logs_should_hold_no_secret()
    {
        await using S3Cluster cluster = await S3Cluster.StartAsync(ClusterShape.Three with { LogLevel = "Trace" }, output);
        await cluster.RunAsync(async () =>
        {
            var sent = new ConcurrentBag<string>();
            await cluster.Client().PutBucketAsync(Bucket);
            await WorkAsync(cluster, sent);
            await cluster.RestartAsync(2);
            await cluster.WaitReadyAsync();
            await WorkAsync(cluster, sent);
            await Task.WhenAll(cluster.Nodes.Select(node => cluster.Process(node).TerminateAsync()));

            Assert.True(sent.Count > 20, "requests were captured");
            foreach (int node in cluster.Nodes)
                Assert.Contains(" trace ", File.ReadAllText(cluster.Files.LogFile(node)));
            List<(string Name, byte[] Bytes)> inLogs = [.. Secrets(cluster, sent)];
            var canaries = new[] { ("canary", Encoding.UTF8.GetBytes(Canary)), ("canary in UTF-16", Encoding.Unicode.GetBytes(Canary)) };
            byte[] master = File.ReadAllBytes(cluster.Files.KeyFile);
            foreach (int node in cluster.Nodes)
            {
                AssertWithout(cluster.Files.LogFile(node), [.. inLogs, .. canaries]);
                string[] files = Directory.GetFiles(cluster.Files.NodeFolder(node), "*", SearchOption.AllDirectories);
                Assert.True(files.Length > 5, "there is data");
                foreach (string file in files)
                    AssertWithout(file, [.. canaries, ("master key", master)]);
            }
        });
    }

    // Objects in the row, in shards and in parts; good, bad and presigned requests.
    private static async Task WorkAsync(S3Cluster cluster, ConcurrentBag<string> sent)
    {
        AmazonS3Client s3 = cluster.Client(1, config => config.HttpClientFactory = new TrustedHttp(cluster.Files.CaFile, sent.Add));
        foreach (int count in new[] { 1, 100, 20_000, 300_000 })
            await PutAsync(s3, $"of-{count}", string.Concat(Enumerable.Repeat(Canary, count)));
        InitiateMultipartUploadResponse upload = await s3.InitiateMultipartUploadAsync(Bucket, "parts");
        UploadPartResponse part = await s3.UploadPartAsync(new UploadPartRequest
        {
            BucketName = Bucket, Key = "parts", UploadId = upload.UploadId, PartNumber = 1,
            InputStream = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Canary, 1000)))),
        });
        await s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
        {
            BucketName = Bucket, Key = "parts", UploadId = upload.UploadId, PartETags = [new PartETag(1, part.ETag)],
        });
        foreach (string key in new[] { "of-1", "of-300000", "parts" })
            using (GetObjectResponse response = await s3.GetObjectAsync(Bucket, key))
                await response.ResponseStream.CopyToAsync(Stream.Null);
        await s3.CopyObjectAsync(Bucket, "of-100", Bucket, "copy");
        await s3.DeleteObjectAsync(Bucket, "copy");
        await Assert.ThrowsAnyAsync<AmazonS3Exception>(() => s3.GetObjectAsync(Bucket, "absent"));

        string presigned = await s3.GetPreSignedURLAsync(new GetPreSignedUrlRequest
        {
            BucketName = Bucket, Key = "of-1", Expires = DateTime.UtcNow.AddMinutes(5),
        });
        sent.Add(presigned);
        HttpClient http = cluster.Http(2);
        using HttpResponseMessage good = await http.GetAsync(presigned);
        Assert.Equal(HttpStatusCode.OK, good.StatusCode);
        string spoilt = presigned[..^4] + "0000";
        sent.Add(spoilt);
        using HttpResponseMessage bad = await http.GetAsync(spoilt);
        Assert.Equal(HttpStatusCode.Forbidden, bad.StatusCode);
        using AmazonS3Client stranger = new(
            "AKIAIOSFODNN7EXAMPLE", "not the secret of that key at all 0123456789",
            new AmazonS3Config
            {
                ServiceURL = cluster.Endpoint(3).ToString(), AuthenticationRegion = ClusterFolder.Region, ForcePathStyle = true,
                HttpClientFactory = new TrustedHttp(cluster.Files.CaFile, sent.Add),
            });
        await Assert.ThrowsAnyAsync<AmazonS3Exception>(() => PutAsync(stranger, "x", Canary));
    }

    private static Task PutAsync(AmazonS3Client s3, string key, string content) =>
        s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = key, ContentBody = content });

    private static IEnumerable<(string Name, byte[] Bytes)> Secrets(S3Cluster cluster, IEnumerable<string> sent)
    {
        byte[] master = File.ReadAllBytes(cluster.Files.KeyFile);
        yield return ("master key", master);
        yield return ("master key in hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(master)));
        yield return ("master key in upper hex", Encoding.ASCII.GetBytes(Convert.ToHexString(master)));
        yield return ("master key in base64", Encoding.ASCII.GetBytes(Convert.ToBase64String(master)[..^2]));
        yield return ("secret access key", Encoding.ASCII.GetBytes(ClusterFolder.SecretAccessKey));
        byte[] signing = Encoding.UTF8.GetBytes("AWS4" + ClusterFolder.SecretAccessKey);
        foreach (string part in new[] { DateTime.UtcNow.ToString("yyyyMMdd", CultureInfo.InvariantCulture), ClusterFolder.Region, "s3", "aws4_request" })
        {
            signing = HMACSHA256.HashData(signing, Encoding.UTF8.GetBytes(part));
            yield return ("signing key", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(signing)));
            yield return ("signing key", Encoding.ASCII.GetBytes(Convert.ToBase64String(signing)[..^1]));
        }
        foreach (string pem in Directory.GetFiles(cluster.Files["certs"], "*-key.pem"))
            foreach (string line in File.ReadLines(pem).Where(line => line.Length >= PieceChars && !line.StartsWith('-')))
                yield return (Path.GetFileName(pem), Encoding.ASCII.GetBytes(line[..PieceChars]));
        foreach (string signature in sent.SelectMany(text => Signature().Matches(text)).Select(match => match.Groups[1].Value).Distinct())
            yield return ("signature", Encoding.ASCII.GetBytes(signature[..PieceChars]));
    }

    private static void AssertWithout(string file, IReadOnlyList<(string Name, byte[] Bytes)> secrets)
    {
        ReadOnlySpan<byte> content = File.ReadAllBytes(file);
        foreach ((string name, byte[] secret) in secrets)
            Assert.True(content.IndexOf(secret) < 0, $"{name} is in {file}");
    }

    [GeneratedRegex("Signature=([0-9a-f]{64})")]
    private static partial Regex Signature();
}

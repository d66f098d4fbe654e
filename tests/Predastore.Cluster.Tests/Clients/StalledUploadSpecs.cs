using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using Predastore.Cluster.Tests.Harness;

namespace Predastore.Cluster.Tests.Clients;

/// <summary>Clients that declare much, send little and stop, against real processes.</summary>
[Collection(SharedCluster.Name)]
public sealed class StalledUploadSpecs(SharedCluster shared)
{
    private const string Bucket = "stalled";
    private const int Uploads = 64;
    private const long DeclaredBytes = 512L << 20;
    private const int SentBytes = 1 << 20;
    private const long BytesPerUploadMax = 4 << 20;

    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public Task F19_stalled_uploads_should_be_abandoned_hold_little_memory_and_leave_the_old_object() => shared.Cluster.RunAsync(async () =>
    {
        AmazonS3Client s3 = shared.Cluster.Client(1);
        await s3.PutBucketAsync(Bucket);
        await s3.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = "old", ContentBody = "what must stay" });
        Uri target = new(await s3.GetPreSignedURLAsync(new GetPreSignedUrlRequest
        {
            BucketName = Bucket, Key = "old", Verb = HttpVerb.PUT, Expires = DateTime.UtcNow.AddMinutes(10),
        }));
        S3dProcess gate = shared.Cluster.Process(1);
        long before = gate.ResidentBytes;
        long started = Stopwatch.GetTimestamp();
        var wire = new TlsWire(shared.Cluster.Files.CaFile);
        Stream[] clients = await Task.WhenAll(Enumerable.Range(0, Uploads).Select(_ => BeginAsync(wire, target)));
        try
        {
            long held = gate.ResidentBytes - before;
            string[] answers = await Task.WhenAll(clients.Select(AnswerAsync));
            TimeSpan took = Stopwatch.GetElapsedTime(started);

            Assert.All(answers, answer => Assert.Contains("RequestTimeout", answer));
            Assert.InRange(took, IdleLimit - TimeSpan.FromSeconds(1), Patience);
            Assert.InRange(held / Uploads, long.MinValue, BytesPerUploadMax);
            using GetObjectResponse got = await s3.GetObjectAsync(Bucket, "old");
            using var reader = new StreamReader(got.ResponseStream);
            Assert.Equal("what must stay", await reader.ReadToEndAsync());
        }
        finally
        {
            foreach (Stream client in clients)
                await client.DisposeAsync();
        }
    });

    private static async Task<Stream> BeginAsync(TlsWire wire, Uri target)
    {
        SslStream tls = await wire.ConnectAsync(target.Host, target.Port);
        await tls.WriteAsync(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"PUT {target.PathAndQuery} HTTP/1.1\r\nHost: {target.Authority}\r\nContent-Length: {DeclaredBytes}\r\n\r\n")));
        await tls.WriteAsync(new byte[SentBytes]);
        return tls;
    }

    // All that comes until the other side ends the connection, which it may do with a reset: there are bytes that it never read.
    private static async Task<string> AnswerAsync(Stream client)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var answer = new MemoryStream();
        try
        {
            await client.CopyToAsync(answer, limit.Token);
        }
        catch (IOException)
        {
            // See above; what came before counts.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }
}

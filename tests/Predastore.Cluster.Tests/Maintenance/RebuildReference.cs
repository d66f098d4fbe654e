using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Predastore.Shards.Crypto;
using Predastore.Shards.Striping;
using Predastore.Shards.Transport;

namespace Predastore.Cluster.Tests.Maintenance;

/// <summary>
/// What rebuilding a shard costs at least, without a cluster around it: K sealed shards read from files, each through a TLS connection on
/// loopback, opened, the lost one computed and sealed, sent through the connection and written, one fdatasync for each shard.
/// </summary>
internal static class RebuildReference
{
    private const int StepFragments = 64;

    /// <summary>Rebuilt bytes a second, one shard after the other, for about a time.</summary>
    public static async Task<double> MeasureAsync(string folder, Geometry geometry, long shardBytes, TimeSpan atLeast)
    {
        Directory.CreateDirectory(folder);
        var layout = new StripeLayout(shardBytes * geometry.K, geometry);
        var hash = new ObjectHash(new byte[32]);
        using DataKey key = DataKey.Generate();
        string[] files = [.. Enumerable.Range(0, geometry.K).Select(shard => WriteShard(folder, key, hash, (uint)shard, layout.ShardBytes))];
        await using Wire wire = await Wire.OpenAsync();
        long rebuilt = 0;
        long started = Stopwatch.GetTimestamp();
        do
        {
            await RebuildAsync(files, Path.Combine(folder, "rebuilt"), key, hash, layout, wire);
            rebuilt += FragmentLayout.SealedBytes(layout.ShardBytes);
        }
        while (Stopwatch.GetElapsedTime(started) < atLeast);
        return rebuilt / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static string WriteShard(string folder, DataKey key, ObjectHash hash, uint shard, long shardBytes)
    {
        byte[] plain = new byte[shardBytes];
        new Random((int)shard).NextBytes(plain);
        byte[] bytes = new byte[FragmentLayout.SealedBytes(shardBytes)];
        using var sealer = new FragmentSealer(key, hash, 1);
        sealer.SealShardRun(shard, 0, true, plain, bytes);
        string path = Path.Combine(folder, $"shard-{shard}");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static async Task RebuildAsync(string[] files, string target, DataKey key, ObjectHash hash, StripeLayout layout, Wire wire)
    {
        int lost = layout.Geometry.K;
        using var opener = new FragmentOpener(key, hash, 1);
        using var sealer = new FragmentSealer(key, hash, 1);
        using var digest = new ShardDigest();
        byte[] sealedBytes = new byte[StepFragments * FragmentLayout.FragmentBytesMax];
        byte[] received = new byte[sealedBytes.Length];
        byte[][] plain = [.. files.Select(_ => new byte[StepFragments * FragmentLayout.BodyBytesMax])];
        byte[] computed = new byte[StepFragments * FragmentLayout.BodyBytesMax];
        using Microsoft.Win32.SafeHandles.SafeFileHandle output = File.OpenHandle(target, FileMode.Create, FileAccess.Write);
        long count = FragmentLayout.FragmentCount(layout.ShardBytes);
        for (long first = 0; first < count; first += StepFragments)
        {
            var range = new IndexRange(first, Math.Min(StepFragments, count - first));
            (long offset, long length) = FragmentLayout.SealedRange(layout.ShardBytes, range);
            int body = (int)(length - (range.Count * FragmentLayout.OverheadBytes));
            uint present = 0;
            var cells = new ReadOnlyMemory<byte>[layout.Geometry.Total];
            for (int shard = 0; shard < files.Length; shard++)
            {
                using (Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(files[shard]))
                    await RandomAccess.ReadAsync(file, sealedBytes.AsMemory(0, (int)length), offset);
                await wire.CarryAsync(sealedBytes.AsMemory(0, (int)length), received.AsMemory(0, (int)length));
                opener.OpenShardRun((uint)shard, first, (int)range.Count, layout.ShardBytes, received.AsSpan(0, (int)length), plain[shard]);
                cells[shard] = plain[shard].AsMemory(0, body);
                present |= 1u << shard;
            }

            layout.Geometry.Code.Reconstruct(cells, present, [lost], [computed.AsMemory(0, body)]);
            int written = sealer.SealShardRun((uint)lost, (ulong)first, range.End == count, computed.AsSpan(0, body), sealedBytes);
            digest.AppendFragments(sealedBytes.AsSpan(0, written));
            await wire.CarryAsync(sealedBytes.AsMemory(0, written), received.AsMemory(0, written));
            await RandomAccess.WriteAsync(output, received.AsMemory(0, written), offset);
        }

        digest.Finish();
        RandomAccess.FlushToDisk(output);
    }

    /// <summary>One TLS connection on loopback.</summary>
    private sealed class Wire(SslStream near, SslStream far) : IAsyncDisposable
    {
        public static async Task<Wire> OpenAsync()
        {
            using DevelopmentCa ca = DevelopmentCa.Create("reference");
            IssuedCertificate issued = ca.IssueNode(1, ["127.0.0.1"]);
            using X509Certificate2 pem = X509Certificate2.CreateFromPem(issued.CertificatePem, issued.KeyPem);
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var client = new TcpClient { NoDelay = true };
            Task connecting = client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
            TcpClient server = await listener.AcceptTcpClientAsync();
            server.NoDelay = true;
            await connecting;
            listener.Stop();
            var far = new SslStream(server.GetStream());
            var near = new SslStream(client.GetStream());
            using X509Certificate2 root = X509Certificate2.CreateFromPem(ca.CertificatePem);
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.Add(root);
            await Task.WhenAll(
                far.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = pem }),
                near.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = "node-1.predastore.internal", CertificateChainPolicy = policy,
                }));
            return new Wire(near, far);
        }

        public Task CarryAsync(ReadOnlyMemory<byte> bytes, Memory<byte> received)
            => Task.WhenAll(near.WriteAsync(bytes).AsTask(), far.ReadExactlyAsync(received).AsTask());

        public async ValueTask DisposeAsync()
        {
            await near.DisposeAsync();
            await far.DisposeAsync();
        }
    }
}

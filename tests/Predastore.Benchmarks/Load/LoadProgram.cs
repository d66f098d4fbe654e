using System.Globalization;

namespace Predastore.Benchmarks.Load;

/// <summary>
/// PUT and GET of three sizes against a running cluster, beside the same bytes written raw and fsynced to the same disk, in one
/// run: absolute figures drift on shared machines, ratios of one run do not.
/// </summary>
internal static class LoadProgram
{
    private static readonly (string Name, int Bytes, int Clients)[] Cells =
        [("4 KiB", 4 << 10, 16), ("1 MiB", 1 << 20, 8), ("64 MiB", 64 << 20, 2)];

    private const int WarmUpRounds = 3;
    private const int ReadBufferBytes = 256 << 10;

    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        LoadOptions options;
        try
        {
            options = LoadOptions.Parse(args);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            Console.Error.WriteLine("load: " + e.Message);
            return 2;
        }
        Console.WriteLine("| what | clients | MB/s | of raw | op/s | p50 ms | p99 ms | server ns/B | server us/op |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        using S3LoadClient? s3 = options.Endpoints.Count > 0 ? new S3LoadClient(options.CaFile) : null;
        string bucket = "bench-" + Guid.NewGuid().ToString("N")[..12];
        if (s3 is not null)
            await s3.PutAsync(options.Endpoints[0], "/" + bucket, default);
        foreach ((string name, int bytes, int clients) in Cells)
        {
            Measurement raw = await RawAsync(options, bytes, clients);
            Print($"raw write + fsync, {name}", clients, raw, raw);
            if (s3 is not null)
                await S3Async(options, s3, bucket, name, bytes, clients, raw);
        }
        return 0;
    }

    private static async Task S3Async(
        LoadOptions options, S3LoadClient s3, string bucket, string name, int bytes, int clients, Measurement raw)
    {
        byte[] body = new byte[bytes];
        Random.Shared.NextBytes(body);
        for (int i = 0; i < WarmUpRounds; i++)
            await PutAsync(0, i);
        int[] puts = new int[clients];
        Measurement put = await Measurement.RunAsync(clients, options.Duration, bytes, options.ServerPids, (client, i) =>
        {
            puts[client] = i + 1;
            return PutAsync(client, i);
        });
        Print($"PUT {name}", clients, put, raw);

        byte[][] buffers = [.. Enumerable.Range(0, clients).Select(_ => new byte[ReadBufferBytes])];
        Measurement get = await Measurement.RunAsync(clients, options.Duration, bytes, options.ServerPids, async (client, i) =>
        {
            long read = await s3.GetAsync(EndpointOf(client), PathOf(client, i % puts[client]), buffers[client]);
            if (read != bytes)
                throw new InvalidDataException($"GET gave {read} of {bytes} bytes");
        });
        Print($"GET {name}", clients, get, raw);

        Task PutAsync(int client, int i) => s3.PutAsync(EndpointOf(client), PathOf(client, i), body);
        Uri EndpointOf(int client) => options.Endpoints[client % options.Endpoints.Count];
        string PathOf(int client, int i) => $"/{bucket}/{bytes}/{client}/{i}";
    }

    private static async Task<Measurement> RawAsync(LoadOptions options, int bytes, int clients)
    {
        string folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"raw-{Environment.ProcessId}")).FullName;
        try
        {
            byte[] body = new byte[bytes];
            Random.Shared.NextBytes(body);
            return await Measurement.RunAsync(clients, options.Duration, bytes, [], (client, i) =>
            {
                // A few names in turn, so that the disk does not fill.
                using var file = new FileStream(Path.Combine(folder, $"{client}-{i % 4}"), FileMode.Create, FileAccess.Write, FileShare.None, 0);
                file.Write(body);
                file.Flush(flushToDisk: true);
                return Task.CompletedTask;
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Print(string what, int clients, Measurement m, Measurement raw)
    {
        string server = m.ServerCpuSeconds > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{m.ServerNanosecondsPerByte:0.0} | {m.ServerMicrosecondsPerOperation:0}")
            : "- | -";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {what} | {clients} | {m.BytesPerSecond / 1e6:0.0} | {m.BytesPerSecond / raw.BytesPerSecond:0.00} | {m.OperationsPerSecond:0} | {m.Percentile(0.5):0.00} | {m.Percentile(0.99):0.00} | {server} |"));
    }
}

using System.Diagnostics;
using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Predastore.Actors.Maintenance;
using Predastore.Cluster.Tests.Links;
using Predastore.Host;
using Predastore.Host.Admin;
using Predastore.Host.Config;
using Predastore.Http.Admin;
using Predastore.Http.Admin.Census;
using Xunit.Abstractions;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>
/// Real <c>s3d</c> processes on loopback addresses of their own, with files of their own. Disposing kills the processes and
/// removes the files, also when starting failed half-way.
/// </summary>
public sealed class S3Cluster : IAsyncDisposable
{
    // A machine that does much else at once may need more: READY_SECONDS, as for start.sh.
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(TestVariables.Number("READY_SECONDS", 120));
    private static readonly TimeSpan CensusTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan CensusPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly LoopbackNetwork _network;
    private readonly S3dProcess?[] _processes;
    private readonly List<IDisposable> _clients = [];
    private readonly HttpClient _http;
    private readonly ITestOutputHelper? _output;
    private readonly LinkRelay? _relay;

    private S3Cluster(ClusterShape shape, LoopbackNetwork network, ClusterFolder files, ITestOutputHelper? output)
    {
        Shape = shape;
        Files = files;
        _network = network;
        _output = output;
        _processes = new S3dProcess?[shape.Nodes + 1];
        if (shape.Relayed)
        {
            Links = new LinkTable(shape.Nodes);
            _relay = Relay(Links);
        }

        _http = new HttpClient(new TrustedHttp(files.CaFile).CreateHandler()) { Timeout = TimeSpan.FromSeconds(2) };
    }

    public ClusterShape Shape { get; }

    public ClusterFolder Files { get; }

    /// <summary>How the nodes reach each other; null unless <see cref="ClusterShape.Relayed"/>.</summary>
    public LinkTable? Links { get; }

    /// <summary>Node numbers, from 1.</summary>
    public IEnumerable<int> Nodes => Enumerable.Range(1, Shape.Nodes);

    /// <summary>Makes the files and starts all nodes; returns when all are ready.</summary>
    /// <param name="output">Where logs go when something fails.</param>
    public static async Task<S3Cluster> StartAsync(ClusterShape shape, ITestOutputHelper? output = null)
    {
        S3Cluster cluster = await CreateAsync(shape, output);
        try
        {
            foreach (int node in cluster.Nodes)
                cluster.StartNode(node);
            await cluster.WaitReadyAsync();
            return cluster;
        }
        catch
        {
            cluster.DumpLogs();
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the files and starts nothing: for tests of what a start refuses.</summary>
    public static async Task<S3Cluster> CreateAsync(ClusterShape shape, ITestOutputHelper? output = null)
    {
        LoopbackNetwork network = LoopbackNetwork.Claim();
        ClusterFolder? files = null;
        try
        {
            files = new ClusterFolder(shape, network);
            await files.FillAsync();
            return new S3Cluster(shape, network, files, output);
        }
        catch
        {
            files?.Dispose();
            network.Dispose();
            throw;
        }
    }

    /// <summary>Runs a test's body; when it throws, the logs of all nodes go to the test's output.</summary>
    public async Task RunAsync(Func<Task> body)
    {
        try
        {
            await body();
        }
        catch
        {
            DumpLogs();
            throw;
        }
    }

    public string Host(int node) => _network.Host(node);

    public int DataPort(int node) => _network.DataPort(node);

    public Uri Endpoint(int node) => new($"https://{Host(node)}:{ClusterFolder.S3Port}");

    /// <summary>The process of a node that was started.</summary>
    public S3dProcess Process(int node) => _processes[node] ?? throw new InvalidOperationException($"node {node} was not started");

    public bool IsRunning(int node) => _processes[node] is { HasExited: false };

    /// <summary>Starts a node that does not run.</summary>
    public void StartNode(int node, params string[] moreArgs)
    {
        if (IsRunning(node))
            throw new InvalidOperationException($"node {node} runs");
        _processes[node]?.Dispose();
        _processes[node] = S3dProcess.Start([.. Files.NodeArgs(node, Shape), .. moreArgs], Files.LogFile(node), EnvironmentOf(node));
    }

    /// <summary>kill -9 of nodes, at the same moment as far as that goes.</summary>
    public Task KillAsync(params int[] nodes) => Task.WhenAll(nodes.Select(node => Process(node).KillAsync()));

    /// <summary>kill -9 and start again; does not wait until it is ready.</summary>
    public async Task RestartAsync(int node)
    {
        await KillAsync(node);
        StartNode(node);
    }

    /// <summary>Waits until nodes answer that they are ready; without numbers, all that run.</summary>
    /// <exception cref="InvalidOperationException">A process has ended; the message has its last lines.</exception>
    /// <exception cref="TimeoutException">It took too long; the message has what they answered last.</exception>
    public async Task WaitReadyAsync(params int[] nodes)
    {
        int[] wanted = nodes.Length > 0 ? nodes : [.. Nodes.Where(node => _processes[node] is not null)];
        long started = Stopwatch.GetTimestamp();
        foreach (int node in wanted)
        {
            string answer = "not asked";
            while ((answer = await AskReadyAsync(node)) != "ready")
            {
                if (Process(node).HasExited)
                    throw new InvalidOperationException($"node {node} ended with exit code {Process(node).ExitCode}:{Environment.NewLine}{Process(node).Tail}");
                if (Stopwatch.GetElapsedTime(started) > ReadyTimeout)
                    throw new TimeoutException($"node {node} is not ready after {ReadyTimeout.TotalSeconds} s: {answer}");
                await Task.Delay(Poll);
            }
        }
    }

    /// <summary>Polls a condition that the cluster brings about.</summary>
    public static async Task WaitUntilAsync(Func<Task<bool>> condition, TimeSpan timeout, string what)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(started) > timeout)
                throw new TimeoutException($"not within {timeout.TotalSeconds} s: {what}");
            await Task.Delay(Poll);
        }
    }

    /// <summary>The AWS SDK with its default settings, talking to one node. Lives as long as the cluster.</summary>
    public AmazonS3Client Client(int node = 1, Action<AmazonS3Config>? configure = null)
    {
        var config = new AmazonS3Config
        {
            ServiceURL = Endpoint(node).ToString(),
            AuthenticationRegion = ClusterFolder.Region,
            ForcePathStyle = true,
            HttpClientFactory = new TrustedHttp(Files.CaFile),
        };
        configure?.Invoke(config);
        var client = new AmazonS3Client(new BasicAWSCredentials(ClusterFolder.AccessKeyId, ClusterFolder.SecretAccessKey), config);
        lock (_clients)
            _clients.Add(client);
        return client;
    }

    /// <summary>A plain HTTPS client of a node, for requests that no SDK would send.</summary>
    public HttpClient Http(int node = 1)
    {
        var client = new HttpClient(new TrustedHttp(Files.CaFile).CreateHandler()) { BaseAddress = Endpoint(node) };
        lock (_clients)
            _clients.Add(client);
        return client;
    }

    /// <summary>What <c>s3d status</c> shows of one node's answer. No process of its own is started for it: that would be a load beside what is measured.</summary>
    /// <exception cref="StartupException">The node does not answer.</exception>
    public async Task<ClusterStatus> StatusAsync(int node = 1)
    {
        StatusTarget target = Target(node);
        return await new StatusClient(TimeProvider.System).GetAsync(target.Endpoints, target.CaFile, target.Region, target.Credentials, CancellationToken.None);
    }

    /// <summary>The same; null while the node does not answer, as in trouble or on a machine that does much else.</summary>
    public async Task<ClusterStatus?> TryStatusAsync(int node = 1)
    {
        try
        {
            return await StatusAsync(node);
        }
        catch (StartupException)
        {
            return null;
        }
    }

    /// <summary>What <c>s3d admin census</c> shows of the answer of one node that runs.</summary>
    /// <exception cref="StartupException">The node does not answer, or cannot count now.</exception>
    public Task<CensusResult> CensusAsync(int? node = null) => new AdminClient(TimeProvider.System).RunAsync(
        Target(node ?? Nodes.First(IsRunning)), "census", changes: false, new CensusRequest(), CensusJson.Default.CensusRequest,
        CensusJson.Default.CensusResult, CensusTimeout, CancellationToken.None);

    /// <summary>Waits until every shard of every row is there and the disks have nothing else.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> WaitExactAsync(TimeSpan limit, Func<CensusResult, bool>? more = null)
    {
        long started = Stopwatch.GetTimestamp();
        CensusResult? census = null;
        while (true)
        {
            try
            {
                census = await CensusAsync();
                if (census.Exact && (more is null || more(census)))
                    return Stopwatch.GetElapsedTime(started);
            }
            catch (StartupException) when (Stopwatch.GetElapsedTime(started) < limit)
            {
                // Between two leaders nobody counts.
            }
            if (Stopwatch.GetElapsedTime(started) > limit)
                throw new TimeoutException($"the census is not exact after {limit.TotalSeconds} s: {Describe(census)}");
            await Task.Delay(CensusPoll);
        }
    }

    /// <summary>The last lines of every node, to the test's output; of a cluster that many tests share, to the console.</summary>
    public void DumpLogs()
    {
        Action<string> write = _output is null ? Console.WriteLine : _output.WriteLine;
        foreach (int node in Nodes)
            if (_processes[node] is { } process)
                write($"--- node {node} ({(process.HasExited ? $"exit code {process.ExitCode}" : "runs")}){Environment.NewLine}{process.Tail}");
    }

    public ValueTask DisposeAsync()
    {
        lock (_clients)
            foreach (IDisposable client in _clients)
                client.Dispose();
        _http.Dispose();
        foreach (S3dProcess? process in _processes)
            process?.Dispose();
        _relay?.Dispose();
        Files.Dispose();
        _network.Dispose();
        return ValueTask.CompletedTask;
    }

    private StatusTarget Target(int node) => StatusTarget.Resolve(ClusterFile.Load(Files.ConfigFile), Endpoint(node).ToString(), Files.CaFile, _ => null);

    private static string Describe(CensusResult? census) => census is null
        ? "nobody counted"
        : $"{census.Rows} rows, {census.Named} named, {census.Present} there, {census.Missing} missing, {census.Wrong} wrong, {census.Unreachable} unreachable, "
            + $"{census.Narrow} narrow, {census.HealBacklog} to heal, {census.GarbageBacklog} garbage; "
            + string.Join("; ", census.Disks.Select(disk => $"{disk.Storage}: {disk.Listed} listed, {disk.Duplicates} twice, {disk.Undecided} undecided, {disk.Garbage} garbage, {disk.Orphans} orphans"))
            + (census.Problems.Count > 0 ? "\n" + string.Join('\n', census.Problems.Take(10)) : "");

    private LinkRelay Relay(LinkTable links)
    {
        var relay = new LinkRelay(links, () => Nodes.Where(IsRunning).Select(node => (node, Process(node).Pid)));
        foreach (int node in Nodes)
        {
            IPAddress dialled = IPAddress.Parse(_network.Host(node)), listening = IPAddress.Parse(_network.HiddenHost(node));
            relay.Serve(node, new IPEndPoint(dialled, ClusterFolder.ControlPort), new IPEndPoint(listening, ClusterFolder.ControlPort), datagrams: false);
            relay.Serve(node, new IPEndPoint(dialled, DataPort(node)), new IPEndPoint(listening, _network.HiddenDataPort(node)), datagrams: true);
        }

        return relay;
    }

    private IReadOnlyDictionary<string, string> EnvironmentOf(int node)
    {
        var all = new Dictionary<string, string>(Shape.Environment);
        if (Shape.Hocon.Length > 0)
            all["S3D_HOCON"] = Files.HoconFile;
        if (Shape.NodeEnvironment is { } own)
            foreach ((string name, string value) in own(Files, node))
                all[name] = value;
        return all;
    }

    private async Task<string> AskReadyAsync(int node)
    {
        try
        {
            using HttpResponseMessage response = await _http.GetAsync(new Uri(Endpoint(node), "/_/health/ready"));
            return response.IsSuccessStatusCode ? "ready" : $"{(int)response.StatusCode} {response.ReasonPhrase}";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return e.GetBaseException().Message;
        }
    }
}

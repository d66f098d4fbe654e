using Akka.Actor;
using Akka.Hosting;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Hosting;
using Predastore.Actors.Hosting.Partitions;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Maintenance.Scrub;
using Predastore.Actors.Maintenance.Wire;
using Predastore.Actors.Metadata;
using Predastore.Actors.Serialization;
using Predastore.Actors.Streams;
using Predastore.Shards.Protocol;
using Predastore.Shards.Segments;

namespace Predastore.Actors.Nodes;

/// <content>Background work of this node, under a write session of its own.</content>
public sealed partial class ClusterNode
{
    /// <summary>Kind of the data plane's messages that begin a scrub.</summary>
    public const uint ScrubMessageKind = 6;

    private const int ScrubRequestBytesMax = 64 << 10;

    /// <summary>Changes which storage ids take part.</summary>
    public StorageAdmin Storages => new(_metadata, TimeProvider.System);

    private readonly Dictionary<uint, ScrubWork> _scrubs = [];
    private readonly HashSet<uint> _rebuilt = [];
    private GateLoad _load = null!;
    private ClusterLoad _clusterLoad = null!;

    private void ComposeMaintenance(AkkaConfigurationBuilder builder)
    {
        if (_settings.StorageFolders.Count == 0)
            return;
        builder.AddPartitionKeepers((_, _) => new PartitionWork(_maintenance, MakeRewrite(), _log));
        builder.AddClusterSingleton<UploadReaper>(
            "upload-reaper", (_, _) => Props.Create(() => new UploadReaper(
                _maintenance, new ClockGuard(TimeProvider.System, OtherClocksAsync, _log), _log)));
        builder.WithActors((system, _) => system.ActorOf(
            Props.Create(() => new LoadWatch(_clusterLoad, OthersServeAsync)), "load-watch"));
        builder.WithActors((system, _) => system.ActorOf(
            SessionActor.Props(new SessionSettings(
                Node, SessionKind.SessionMaintenance, _metadata, _maintenanceSessions, Epoch)),
            "maintenance-session"));
    }

    private MaintenanceParts MakeMaintenance()
    {
        Akka.Configuration.Config files = NodeConfiguration.Load(_settings.System.Timing);
        MaintenanceSettings settings = MaintenanceSettings.From(_settings.System.Overrides?.WithFallback(files) ?? files);
        _load = new GateLoad(_sessions, settings.QuietAfter, TimeProvider.System);
        _clusterLoad = new ClusterLoad(_load);
        return new MaintenanceParts(
            _metadata, _maintenanceProposer, _shards, _cluster, _keys, Topology.IsStorageUsable, TimeProvider.System)
        {
            Settings = settings,
            Pace = new MaintenancePace(settings, () => _clusterLoad.IsServing, TimeProvider.System),
            Progress = new MaintenanceProgress(TimeProvider.System),
            Away = new AwayClock(Topology.IsStorageUsable, TimeProvider.System),
        };
    }

    private async Task<bool> OthersServeAsync(CancellationToken cancel)
    {
        if (!_maintenance.Pace.IsActive)
            return false;
        NodeReport?[] reports = await OtherReportsAsync(cancel).ConfigureAwait(false);
        return reports.Any(report => report is { Serving: true });
    }

    // A report without a clock is left out.
    private async Task<IEnumerable<DateTimeOffset>> OtherClocksAsync(CancellationToken cancel)
    {
        NodeReport?[] reports = await OtherReportsAsync(cancel).ConfigureAwait(false);
        return reports.OfType<NodeReport>().Where(report => report.ClockMs != 0)
            .Select(report => DateTimeOffset.FromUnixTimeMilliseconds(report.ClockMs));
    }

    private Task<NodeReport?[]> OtherReportsAsync(CancellationToken cancel) => Task.WhenAll(
        _settings.Peers.Keys.Where(node => node != Node).Select(node => ReportOfAsync(node, cancel)));

    private ScrubWork ScrubOf(uint storageId, SegmentStore store)
    {
        lock (_scrubs)
        {
            if (_scrubs.TryGetValue(storageId, out ScrubWork? scrub))
                return scrub;
            scrub = new ScrubWork(
                _maintenance, storageId, store, new ScrubCursor(_disk, _settings.StorageFolders[storageId]), _log);

            // The walk that rebuilt an index trusts headers; only opening every fragment tells what stands behind them.
            if (_rebuilt.Contains(storageId))
                scrub.BeginNow();
            return _scrubs[storageId] = scrub;
        }
    }

    private void ServeScrubs() => _service.Handle(ScrubMessageKind, async (input, output, _, cancel) =>
    {
        ReadOnlyMemory<byte> body = await MessageBody.ReadAsync(input, ScrubRequestBytesMax, "scrub request", cancel).ConfigureAwait(false);
        var request = ScrubRequest.Parser.ParseFrom(body.Span);
        await output.WriteAsync(BeginScrub(request).ToByteArray(), cancel).ConfigureAwait(false);
    });

    private ScrubReply BeginScrub(ScrubRequest request)
    {
        var reply = new ScrubReply();
        lock (_scrubs)
        {
            foreach ((uint id, ScrubWork scrub) in _scrubs)
            {
                if (request.StorageIds.Count > 0 && !request.StorageIds.Contains(id))
                    continue;
                scrub.BeginNow();
                reply.StorageIds.Add(id);
            }
        }

        return reply;
    }

    /// <summary>Begins a scrub at full rate on every node that answers; returns the storage ids it was begun on.</summary>
    /// <param name="storageIds">Which; empty for all.</param>
    public async Task<IReadOnlyList<uint>> ScrubAsync(IReadOnlyCollection<uint> storageIds, CancellationToken cancel)
    {
        var request = new ScrubRequest();
        request.StorageIds.AddRange(storageIds);
        ScrubReply[] replies = await Task.WhenAll(_settings.Peers.Keys.Select(node => AskScrubAsync(node, request, cancel)))
            .ConfigureAwait(false);
        return [.. replies.SelectMany(reply => reply.StorageIds).Order()];
    }

    private async Task<ScrubReply> AskScrubAsync(uint node, ScrubRequest request, CancellationToken cancel)
    {
        if (node == Node)
            return BeginScrub(request);
        if (!Topology.View.IsAlive(node))
            return new ScrubReply();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(ReportTimeout);
        try
        {
            return ScrubReply.Parser.ParseFrom(
                await BulkAsync(node, ScrubMessageKind, request.ToByteArray(), limit.Token).ConfigureAwait(false));
        }
        catch (Exception error) when (error is IOException or ShardException or InvalidProtocolBufferException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return new ScrubReply();
        }
    }

    private MaintenanceReport MaintenanceReport()
    {
        MaintenanceProgress done = _maintenance.Progress;
        return new MaintenanceReport
        {
            HealedShards = (ulong)done.HealedShards,
            HealedBytes = (ulong)done.HealedBytes,
            MovedShards = (ulong)done.MovedShards,
            MovedBytes = (ulong)done.MovedBytes,
            Rewritten = (ulong)done.Rewritten,
            Orphans = (ulong)done.Orphans,
            Collected = (ulong)done.Collected,
            Failures = (ulong)done.Failures,
            Rate = (ulong)done.BytesPerSecond,
            RateMax = (ulong)_maintenance.Pace.BytesPerSecond,
            Rows = (uint)_maintenance.Pace.Rows,
            Yields = _maintenance.Pace.IsBusy,
        };
    }

    private ScrubReport? ScrubReport(uint storageId)
    {
        ScrubWork? scrub;
        lock (_scrubs)
            scrub = _scrubs.GetValueOrDefault(storageId);
        if (scrub?.State is not { } state)
            return null;
        return new ScrubReport
        {
            Running = state.Running,
            Percent = state.Running ? state.Partition * 100 / PartitionProtocol.Partitions : 0,
            BeganMs = state.BeganMs,
            EndedMs = state.EndedMs,
            Faults = state.Running ? state.Faults : state.LastFaults,
            Rate = state.Running ? (ulong)scrub.BytesPerSecond : 0,
        };
    }

    private RewriteWork MakeRewrite() => new(
        _maintenance,
        new ObjectUploader(
            _shards, _maintenanceSessions, _cluster, _keys, Topology.IsStorageUsable, Materializer, new UploadLimits()),
        Reads(), Materializer, _log);

    private ReadContext Reads() => new(_shards, _metadata, _keys, _hedge, () => _cluster.Require().ClusterId, OnFault);

    private void OnFault(ShardFault fault) => _reporter.Report(fault);
}

using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// Takes what reads found wrong, logs it, and queues a heal; apply keeps it only if the row still names that storage id. Bounded:
/// what does not fit is found again by the next read. Thread-safe.
/// </summary>
internal sealed class HealReporter : IAsyncDisposable
{
    private const int WaitingMax = 1024;

    private readonly Proposer _proposer;
    private readonly ILogger _log;
    private readonly Channel<ShardFault> _faults = Channel.CreateBounded<ShardFault>(
        new BoundedChannelOptions(WaitingMax) { SingleReader = true });
    private readonly ConcurrentDictionary<(ByteString Data, int Shard), bool> _known = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    public HealReporter(Proposer proposer, ILogger log)
    {
        (_proposer, _log) = (proposer, log);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Takes a fault; never blocks.</summary>
    public void Report(ShardFault fault)
    {
        // A damaged shard of a long read is met with every batch: once is enough.
        if (_known.TryAdd((fault.Row.DataId, fault.Shard), true) && !_faults.Writer.TryWrite(fault))
            _known.TryRemove((fault.Row.DataId, fault.Shard), out _);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (ShardFault fault in _faults.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
        {
            Log.Fault(_log, fault.ToString());
            try
            {
                var queue = new QueueHeal { DataId = fault.Row.DataId, Reason = fault.Damaged ? "damaged" : "missing" };
                queue.Places.Add(new ShardPlace { Shard = (uint)fault.Shard, StorageId = fault.StorageId });
                await _proposer.RunAsync(new Command { QueueHeal = queue }, _stopping.Token).ConfigureAwait(false);
            }
            catch (StoreException)
            {
                // The next read that meets it reports it again.
            }
            finally
            {
                _known.TryRemove((fault.Row.DataId, fault.Shard), out _);
            }
        }
    }
}

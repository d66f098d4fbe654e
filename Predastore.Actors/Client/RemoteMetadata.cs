using Akka.Actor;
using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;
using Predastore.Actors.Topology;

namespace Predastore.Actors.Client;

/// <summary>Sends a message to a node on the data plane and returns its reply.</summary>
public delegate Task<byte[]> BulkRequest(uint node, uint kind, ReadOnlyMemory<byte> payload, CancellationToken cancel);

/// <summary>
/// The metadata group seen from a process without a replica that can answer: asks the replicas of other nodes in turn.
/// </summary>
public sealed class RemoteMetadata(ITopology topology, BulkRequest bulk) : IMetadata
{
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);
    private int _turn;

    /// <inheritdoc/>
    public async Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
    {
        MetadataReply reply = await AskAsync(new MetadataRequest { Command = command }, timeout, cancel).ConfigureAwait(false);
        return reply.Result ?? throw Failed(reply);
    }

    /// <inheritdoc/>
    public async Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel)
    {
        MetadataReply reply = await AskAsync(new MetadataRequest { Query = query }, timeout, cancel).ConfigureAwait(false);
        return reply.Answer ?? throw Failed(reply);
    }

    /// <summary>A change of the group itself.</summary>
    public async Task<ChangeResult> ChangeAsync(MembershipChange change, TimeSpan timeout, CancellationToken cancel)
    {
        try
        {
            MetadataReply reply = await AskAsync(new MetadataRequest { Change = change.ToWire() }, timeout, cancel).ConfigureAwait(false);
            return reply.Changed?.ToResult() ?? (reply.Outcome == MetadataReply.Types.Outcome.Unavailable
                ? ChangeResult.Later(reply.Message)
                : ChangeResult.Unknown(reply.Message));
        }
        catch (StoreException error)
        {
            return ChangeResult.Later(error.Message);
        }
    }

    private async Task<MetadataReply> AskAsync(MetadataRequest request, TimeSpan timeout, CancellationToken cancel)
    {
        request.TimeoutMs = (long)timeout.TotalMilliseconds;
        bool onBulk = request.CalculateSize() > MetadataEndpoint.ControlBytesMax;
        MetadataReply? last = null;
        foreach (uint node in Candidates())
        {
            last = await AskAsync(node, request, onBulk, timeout, cancel).ConfigureAwait(false);
            if (last.Outcome == MetadataReply.Types.Outcome.TooLarge)
                last = await AskAsync(node, request, true, timeout, cancel).ConfigureAwait(false);

            // Only what was certainly not proposed may go to another replica within this attempt.
            if (last.Outcome != MetadataReply.Types.Outcome.Unavailable)
                return last;
        }

        return last ?? throw new StoreException(StoreFailure.Unavailable, "No node with a metadata replica is reachable.");
    }

    private async Task<MetadataReply> AskAsync(
        uint node, MetadataRequest request, bool onBulk, TimeSpan timeout, CancellationToken cancel)
    {
        try
        {
            if (!onBulk)
            {
                return topology.Find(node, $"user/{MetadataEndpointActor.Name}") is { } replica
                    ? await replica.Ask<MetadataReply>(request, timeout + Grace, cancel).ConfigureAwait(false)
                    : new MetadataReply { Outcome = MetadataReply.Types.Outcome.Unavailable, Message = $"node {node} is gone" };
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(timeout + Grace);
            return MetadataReply.Parser.ParseFrom(
                await bulk(node, MetadataEndpoint.MessageKind, request.ToByteArray(), limit.Token).ConfigureAwait(false));
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            // Not a reason to suspect the node's disks: its replica may only be starting.
            bool query = request.WhatCase == MetadataRequest.WhatOneofCase.Query;
            return new MetadataReply
            {
                // A query may be asked again anywhere; a command that may have arrived may not.
                Outcome = query ? MetadataReply.Types.Outcome.Unavailable : MetadataReply.Types.Outcome.Unknown,
                Message = $"node {node}: {error.GetType().Name}",
            };
        }
    }

    private IEnumerable<uint> Candidates()
    {
        uint[] usable = [.. topology.View.DbNodes.Where(topology.IsUsable)];
        uint first = (uint)Interlocked.Increment(ref _turn);
        for (uint i = 0; i < usable.Length; i++)
            yield return usable[(first + i) % (uint)usable.Length];
    }

    private static StoreException Failed(MetadataReply reply) => new(
        reply.Outcome switch
        {
            MetadataReply.Types.Outcome.Unavailable => StoreFailure.Unavailable,
            MetadataReply.Types.Outcome.Full => StoreFailure.Full,
            _ => StoreFailure.Unknown,
        },
        $"The metadata group did not answer: {reply.Message}");
}

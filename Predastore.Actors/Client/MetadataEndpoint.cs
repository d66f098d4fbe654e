using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Actors.Raft;
using Predastore.Actors.Raft.Core;

namespace Predastore.Actors.Client;

/// <summary>
/// Answers metadata requests of other nodes from the replica of this process; the same for both planes. Thread-safe.
/// </summary>
public sealed class MetadataEndpoint(IMetadata replica, IRaftGroup? group = null)
{
    /// <summary>Kind of the data plane's messages that carry a <see cref="MetadataRequest"/>.</summary>
    public const uint MessageKind = 3;

    /// <summary>Largest message on the control plane, in bytes.</summary>
    public const int ControlBytesMax = 32 << 10;

    /// <summary>Requests under way at once; more are answered as unavailable.</summary>
    public const int RequestsMax = 1024;

    private static readonly TimeSpan TimeoutMax = TimeSpan.FromSeconds(30);

    private int _running;

    /// <summary>Carries a request out. Never throws.</summary>
    public async Task<MetadataReply> HandleAsync(MetadataRequest request, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _running) > RequestsMax)
        {
            Interlocked.Decrement(ref _running);
            return Failed(StoreFailure.Unavailable, $"more than {RequestsMax} metadata requests are under way here");
        }

        try
        {
            TimeSpan timeout = TimeSpan.FromMilliseconds(Math.Clamp(request.TimeoutMs, 1, (long)TimeoutMax.TotalMilliseconds));
            return request.WhatCase switch
            {
                MetadataRequest.WhatOneofCase.Command => new MetadataReply
                {
                    Result = await replica.ProposeAsync(request.Command, timeout, cancel).ConfigureAwait(false),
                },
                MetadataRequest.WhatOneofCase.Query => new MetadataReply
                {
                    Answer = await replica.QueryAsync(request.Query, timeout, cancel).ConfigureAwait(false),
                },
                MetadataRequest.WhatOneofCase.Change when group is not null => new MetadataReply
                {
                    Changed = request.Change.ToChange() is { } change
                        ? (await group.Change(change, timeout).WaitAsync(cancel).ConfigureAwait(false)).ToWire()
                        : ChangeResult.Refused("the replica's program does not know this change").ToWire(),
                },
                _ => Failed(StoreFailure.Unavailable, "the request is of a kind that this node does not know"),
            };
        }
        catch (StoreException error)
        {
            return Failed(error.Failure, error.Message);
        }
        catch (Exception error)
        {
            return Failed(StoreFailure.Unknown, error.GetType().Name);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    /// <summary>As above on bytes, for the data plane.</summary>
    public async Task<byte[]> HandleAsync(ReadOnlyMemory<byte> request, CancellationToken cancel)
        => (await HandleAsync(MetadataRequest.Parser.ParseFrom(request.Span), cancel).ConfigureAwait(false)).ToByteArray();

    private static MetadataReply Failed(StoreFailure failure, string message) => new()
    {
        Outcome = failure switch
        {
            StoreFailure.Unavailable => MetadataReply.Types.Outcome.Unavailable,
            StoreFailure.Full => MetadataReply.Types.Outcome.Full,
            _ => MetadataReply.Types.Outcome.Unknown,
        },
        Message = message,
    };
}

namespace Predastore.Actors.Streams;

/// <summary>How long an upload waits for a storage id before it goes on without it.</summary>
public sealed record UploadLimits
{
    /// <summary>Time for a storage id to accept a shard.</summary>
    public TimeSpan OpenMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Time for a storage id to take the bytes of one batch.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for a storage id to make a shard durable: a queue of fsyncs may stand before it.</summary>
    public TimeSpan CommitMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Shards that all uploads hold open on one node. Well below the exchanges that one node may have with another
    /// (<see cref="Predastore.Shards.Transport.TransportOptions.StreamsPerPeerMax"/>), so that reads always find a place.</summary>
    public int ShardsPerNodeMax { get; init; } = 128;

    /// <summary>Uploads under way, those included whose client has not sent a batch yet: each holds at least one batch of memory.</summary>
    public int UploadsMax { get; init; } = 512;

    /// <summary>Time that an upload waits for its turn in each of the two.</summary>
    public TimeSpan TurnMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Attempts at a write, as long as all that was read of its body still lies in memory.</summary>
    public int BufferedAttempts { get; init; } = 3;

    /// <summary>Clock of the limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

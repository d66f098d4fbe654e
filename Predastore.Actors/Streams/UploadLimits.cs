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

    /// <summary>Attempts at an object that still lies in memory as a whole.</summary>
    public int BufferedAttempts { get; init; } = 3;

    /// <summary>Clock of the limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

using Predastore.Shards.Transport;

namespace Predastore.Shards.Protocol;

/// <summary>Limits of a <see cref="ShardServer"/>.</summary>
public sealed record ShardServerOptions
{
    /// <summary>Exchanges under way; further ones are answered <see cref="ShardError.Busy"/>. Each put pins 256 KiB.</summary>
    public int ExchangesMax { get; init; } = 2048;

    /// <summary>How long a refused peer is listened to, so that the refusal reaches it before the connection closes.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Hears of every exception that a service or peer caused: who, and what. For the node's log; must be quick.</summary>
    public Action<PeerIdentity, Exception>? Failed { get; init; }

    /// <summary>Clock of the limits.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

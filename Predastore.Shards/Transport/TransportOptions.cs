namespace Predastore.Shards.Transport;

/// <summary>Limits and times of the transports. The defaults suit a data centre and a loopback cluster alike.</summary>
public sealed record TransportOptions
{
    /// <summary>A dial that has not finished its handshake by then has failed.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A peer that connects and has not finished its handshake by then is cut.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A read or write that makes no progress for that long fails, and its stream with it.</summary>
    public TimeSpan StreamIdle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A dialer closes a pooled connection that was not used for that long. Shorter than the listener's
    /// <see cref="ConnectionIdle"/>, so that it is the dialer who closes and a request rarely meets a closing connection.</summary>
    public TimeSpan PooledIdle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A listener closes a connection on which nothing was asked for that long.</summary>
    public TimeSpan ConnectionIdle { get; init; } = TimeSpan.FromSeconds(150);

    /// <summary>Time that running handlers get when a listener stops.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After a failed dial the peer is not dialled again for this long, doubling up to <see cref="BackoffMax"/>.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest pause between dials of one peer.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A peer that was only reached over TLS is not asked for QUIC again for this long, doubling up to <see cref="FallbackMax"/>: while it
    /// starts, it may just be slow.
    /// </summary>
    public TimeSpan FallbackMin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest time between two attempts of QUIC with a peer that only answers TLS.</summary>
    public TimeSpan FallbackMax { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time that an exchange waits for a place among <see cref="StreamsPerPeerMax"/>. Shorter than anybody waits for a peer, so
    /// that want of places never looks like silence.</summary>
    public TimeSpan PlaceTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Exchanges under way with one peer, dialled; further ones wait up to <see cref="PlaceTimeout"/>.</summary>
    public int StreamsPerPeerMax { get; init; } = 256;

    /// <summary>Idle TLS connections kept per peer.</summary>
    public int PooledPerPeerMax { get; init; } = 64;

    /// <summary>QUIC connections per peer. One is run by one thread of the library at a time, so one would bound a fast link.</summary>
    public int QuicConnectionsPerPeer { get; init; } = 2;

    /// <summary>Streams that one QUIC connection may have open at once.</summary>
    public int QuicStreamsPerConnectionMax { get; init; } = 256;

    /// <summary>Connections that one listener holds; further ones are closed at once.</summary>
    public int ConnectionsPerListenerMax { get; init; } = 4096;

    /// <summary>Handshakes under way at one listener: what strangers can make it hold. Further ones are closed at once.</summary>
    public int HandshakesPerListenerMax { get; init; } = 256;

    /// <summary>Exchanges under way at one listener from one peer; further ones are closed at once.</summary>
    public int StreamsPerRemoteNodeMax { get; init; } = 1024;

    /// <summary>Clock for limits and pools.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

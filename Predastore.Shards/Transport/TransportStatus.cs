namespace Predastore.Shards.Transport;

/// <summary>How a node reaches one peer, for <c>s3d status</c>.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Kind">What carried the last exchange; null before the first one.</param>
/// <param name="FellBack">True where QUIC was wanted and TLS is used.</param>
/// <param name="LastError">Why the last dial failed; null after one that did not.</param>
public sealed record TransportStatus(Peer Peer, TransportKind? Kind, bool FellBack, string? LastError);

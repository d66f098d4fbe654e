using Microsoft.Extensions.Logging;

namespace Predastore.Actors.Nodes;

/// <summary>What a node says.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Node {Node} has joined the cluster")]
    public static partial void Joined(ILogger log, uint node);

    [LoggerMessage(2, LogLevel.Critical, "Node {Node} cannot join the cluster: {Why}")]
    public static partial void NotJoined(ILogger log, uint node, string why);

    [LoggerMessage(3, LogLevel.Warning, "Node {Node} joins, but: {What}")]
    public static partial void Joining(ILogger log, uint node, string what);

    [LoggerMessage(4, LogLevel.Warning, "QUIC to {Peer} does not work, TLS over TCP is used: {Why}")]
    public static partial void FellBack(ILogger log, string peer, string why);

    [LoggerMessage(5, LogLevel.Information, "A connection to the data plane from {From} was refused: {Why}")]
    public static partial void RefusedPeer(ILogger log, string from, string why);

    [LoggerMessage(6, LogLevel.Debug, "A request of node {Node} failed: {Why}")]
    public static partial void PeerFailed(ILogger log, uint node, string why);

    [LoggerMessage(7, LogLevel.Warning, "The index of storage id {StorageId} is rebuilt from its segments: {Why}")]
    public static partial void IndexLost(ILogger log, uint storageId, string why);

    [LoggerMessage(8, LogLevel.Warning, "The index of storage id {StorageId} is rebuilt: {Shards} shards, {Incomplete} incomplete, {DamagedSegments} segments with a damaged header; a scrub opens all of it now")]
    public static partial void IndexRebuilt(ILogger log, uint storageId, long shards, long incomplete, int damagedSegments);

    [LoggerMessage(9, LogLevel.Error, "Storage id {StorageId} serves nothing: it could not be opened anew, which is tried again: {Why}")]
    public static partial void NotReopened(ILogger log, uint storageId, string why);

    [LoggerMessage(10, LogLevel.Warning, "Storage id {StorageId} was closed and opened anew: {Why}")]
    public static partial void Reopened(ILogger log, uint storageId, string why);
}

using Microsoft.Extensions.Logging;

namespace Predastore.Actors.Maintenance;

/// <summary>What maintenance says.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Partition {Partition} waits: {Why}")]
    public static partial void Waiting(ILogger log, int partition, string why);

    [LoggerMessage(2, LogLevel.Debug, "Healed shard {Shard} of {ObjectHash} on storage id {StorageId}")]
    public static partial void Healed(ILogger log, uint shard, string objectHash, uint storageId);

    [LoggerMessage(3, LogLevel.Warning, "Shard {Shards} of {ObjectHash} is not healed yet: {Why}")]
    public static partial void NotHealed(ILogger log, string shards, string objectHash, string why);

    [LoggerMessage(4, LogLevel.Error, "Shard {Shard} of {ObjectHash} was rebuilt with another digest and is not stored")]
    public static partial void WrongDigest(ILogger log, uint shard, string objectHash);

    [LoggerMessage(5, LogLevel.Information, "Deleted {Count} orphaned shards on storage id {StorageId}")]
    public static partial void Orphans(ILogger log, int count, uint storageId);

    [LoggerMessage(6, LogLevel.Debug, "Garbage of storage id {StorageId} is kept: {Why}")]
    public static partial void GarbageKept(ILogger log, uint storageId, string why);

    [LoggerMessage(7, LogLevel.Warning, "A read met a bad shard: {Fault}")]
    public static partial void Fault(ILogger log, string fault);

    [LoggerMessage(8, LogLevel.Information, "Reaped the upload of {Key}, begun {Begun:u}")]
    public static partial void Reaped(ILogger log, string key, DateTimeOffset begun);

    [LoggerMessage(9, LogLevel.Information, "Rewrote {ObjectHash} as {Geometry}: {Outcome}")]
    public static partial void Rewritten(ILogger log, string objectHash, string geometry, string outcome);

    [LoggerMessage(10, LogLevel.Warning, "{ObjectHash} is not rewritten at full width yet: {Why}")]
    public static partial void NotRewritten(ILogger log, string objectHash, string why);

    [LoggerMessage(11, LogLevel.Debug, "Moved shard {Shard} of {ObjectHash} from storage id {From} to {To}")]
    public static partial void Moved(ILogger log, uint shard, string objectHash, uint from, uint to);

    [LoggerMessage(12, LogLevel.Warning, "Shards of {ObjectHash} are not moved yet: {Why}")]
    public static partial void NotMoved(ILogger log, string objectHash, string why);

    [LoggerMessage(13, LogLevel.Information, "The new disk of storage id {StorageId} has all its shards")]
    public static partial void DiskHealed(ILogger log, uint storageId);

    [LoggerMessage(14, LogLevel.Debug, "The new disk of storage id {StorageId} does not say what it has: {Why}")]
    public static partial void DiskSilent(ILogger log, uint storageId, string why);

    [LoggerMessage(15, LogLevel.Warning, "Scrub: shard {Shard} of {ObjectHash} on storage id {StorageId}: {Fault}; it is queued for heal")]
    public static partial void ScrubFault(ILogger log, uint shard, string objectHash, uint storageId, string fault);

    [LoggerMessage(16, LogLevel.Information, "Scrub of storage id {StorageId} is through: {Shards} shards, {Bytes} bytes, {Faults} bad or missing")]
    public static partial void Scrubbed(ILogger log, uint storageId, ulong shards, ulong bytes, ulong faults);

    [LoggerMessage(17, LogLevel.Warning, "Scrub of storage id {StorageId} failed: {Why}")]
    public static partial void ScrubFailed(ILogger log, uint storageId, string why);

    [LoggerMessage(18, LogLevel.Debug, "Where the scrub of storage id {StorageId} stands could not be written: {Why}")]
    public static partial void ScrubNotSaved(ILogger log, uint storageId, string why);

    [LoggerMessage(19, LogLevel.Warning, "This node's clock is {Ahead} ahead of the median of the cluster's: nothing is reaped until it is set right")]
    public static partial void ClockHeld(ILogger log, TimeSpan ahead);

    [LoggerMessage(20, LogLevel.Information, "This node's clock is near the median of the cluster's again")]
    public static partial void ClockTrusted(ILogger log);
}

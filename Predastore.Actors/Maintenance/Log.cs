using Microsoft.Extensions.Logging;

namespace Predastore.Actors.Maintenance;

/// <summary>What maintenance says.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Partition {Partition} waits: {Why}")]
    public static partial void Waiting(ILogger log, int partition, string why);

    [LoggerMessage(2, LogLevel.Information, "Healed shard {Shard} of {ObjectHash} on storage id {StorageId}")]
    public static partial void Healed(ILogger log, uint shard, string objectHash, uint storageId);

    [LoggerMessage(3, LogLevel.Warning, "Shard {Shard} of {ObjectHash} on storage id {StorageId} is not healed yet: {Why}")]
    public static partial void NotHealed(ILogger log, uint shard, string objectHash, uint storageId, string why);

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
}

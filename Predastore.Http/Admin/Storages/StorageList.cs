using System.Text.Json.Serialization;

namespace Predastore.Http.Admin.Storages;

/// <summary>What <c>storage/list</c> takes: nothing.</summary>
public sealed record StorageListRequest;

/// <summary>Storage ids that an action is about; for a scrub none means all.</summary>
public sealed record StorageIds
{
    public IReadOnlyList<uint> Ids { get; init; } = [];
}

/// <summary>What <c>storage/replace</c> takes.</summary>
public sealed record StorageReplacement
{
    /// <summary>The storage id that goes.</summary>
    public uint Old { get; init; }

    /// <summary>The registered one that takes its place.</summary>
    public uint By { get; init; }
}

/// <summary>The ring and every storage id. It only ever grows.</summary>
public sealed record StorageList
{
    /// <summary>Epoch of the ring: rises with every change.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>Shards of a new object.</summary>
    public required int Shards { get; init; }

    /// <summary>By storage id.</summary>
    public required IReadOnlyList<StorageEntry> Storages { get; init; }
}

/// <summary>One storage id.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Node">The node that registered it, or that the ring gives it.</param>
/// <param name="InRing">True if new shards go to it.</param>
/// <param name="State"><c>normal</c>, <c>healing</c>, <c>draining</c>, <c>removed</c>, or <c>unregistered</c>: its node has not started with it yet.</param>
/// <param name="DataRows">Objects with a shard on it. A draining id can be removed when there is none.</param>
/// <param name="Weight">Its share of the ring; 0 outside of it.</param>
/// <param name="Zone">Its zone, or empty.</param>
/// <param name="Host">Its host in the ring, or empty.</param>
public sealed record StorageEntry(
    uint Id, uint Node, bool InRing, string State, long DataRows, uint Weight, string Zone, string Host);

/// <summary>The JSON form of what the storage actions take and give, made without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StorageListRequest))]
[JsonSerializable(typeof(StorageIds))]
[JsonSerializable(typeof(StorageReplacement))]
[JsonSerializable(typeof(StorageList))]
public sealed partial class StorageJson : JsonSerializerContext;

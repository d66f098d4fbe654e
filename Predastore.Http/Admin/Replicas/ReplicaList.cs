using System.Text.Json.Serialization;

namespace Predastore.Http.Admin.Replicas;

/// <summary>What <c>replica/list</c> takes: nothing.</summary>
public sealed record ReplicaListRequest;

/// <summary>The metadata group and every replica that is in it or could be. It only ever grows.</summary>
public sealed record ReplicaList
{
    /// <summary>Cluster id, 32 hex digits.</summary>
    public required string ClusterId { get; init; }

    /// <summary>The leader's node; null while there is none.</summary>
    public required uint? Leader { get; init; }

    public required ulong Term { get; init; }

    /// <summary>Votes that decide.</summary>
    public required int Quorum { get; init; }

    /// <summary>By node, members of the group first.</summary>
    public required IReadOnlyList<Replica> Replicas { get; init; }
}

/// <summary>One replica.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Incarnation">16 hex digits; another one after its folder was emptied. Empty for a node that does not answer and is no member.</param>
/// <param name="Member"><c>voter</c>, <c>learner</c>, or <c>none</c>: a folder that is no part of the group.</param>
/// <param name="Role">
/// <c>leader</c>, <c>follower</c>, <c>candidate</c>, <c>learner</c>, <c>waiting</c> (to be added), <c>removed</c>, <c>recovering</c>,
/// <c>halted</c>, or <c>unreachable</c>.
/// </param>
/// <param name="Match">Last index the leader knows it to have durably; null where it is not known.</param>
/// <param name="Behind">Entries it lacks of the leader's log; null where it is not known.</param>
/// <param name="Applied">Applied index; null where it does not answer.</param>
/// <param name="Note">What an operator should know; else empty.</param>
public sealed record Replica(
    uint Node, string Incarnation, string Member, string Role, ulong? Match, ulong? Behind, ulong? Applied, string Note);

/// <summary>The JSON form of what the replica actions take and give, made without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ReplicaListRequest))]
[JsonSerializable(typeof(ReplicaList))]
[JsonSerializable(typeof(ReplicaTarget))]
[JsonSerializable(typeof(ReplicaChange))]
public sealed partial class ReplicaJson : JsonSerializerContext;

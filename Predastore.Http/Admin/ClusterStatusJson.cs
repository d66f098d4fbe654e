using System.Text.Json.Serialization;

namespace Predastore.Http.Admin;

/// <summary>The JSON form of <see cref="ClusterStatus"/>, made without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ClusterStatus))]
public sealed partial class ClusterStatusJson : JsonSerializerContext;

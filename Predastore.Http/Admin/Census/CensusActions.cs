using System.Text.Json.Serialization;
using Predastore.Actors.Maintenance;

namespace Predastore.Http.Admin.Census;

/// <summary>The action <c>census</c>: counts the shards on all disks against the data rows.</summary>
public static class CensusActions
{
    /// <param name="run">Counts; throws <see cref="AdminException"/> when the metadata group does not answer or a census runs already.</param>
    public static IEnumerable<AdminAction> Of(Func<CancellationToken, Task<CensusResult>> run)
    {
        yield return AdminAction.Create(
            "census", changes: false, CensusJson.Default.CensusRequest, CensusJson.Default.CensusResult, (_, cancel) => run(cancel));
    }
}

/// <summary>What <c>census</c> takes: nothing.</summary>
public sealed record CensusRequest;

/// <summary>The JSON form of what the census takes and gives, made without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(CensusRequest))]
[JsonSerializable(typeof(CensusResult))]
public sealed partial class CensusJson : JsonSerializerContext;

using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Streams;

/// <summary>A shard that a read could not use although its storage id answered: it is missing or damaged there.</summary>
/// <param name="Row">The data row the reader had.</param>
/// <param name="Shard">Index of the shard.</param>
/// <param name="StorageId">Where it was looked for.</param>
/// <param name="Fragment">First fragment that did not open, or -1 if the whole shard is missing.</param>
/// <param name="Fault">What was wrong with the fragment.</param>
internal sealed record ShardFault(DataRow Row, int Shard, uint StorageId, long Fragment, FragmentFault Fault)
{
    /// <summary>One line for the log and the heal queue.</summary>
    public override string ToString()
    {
        string what = Fragment < 0 ? "missing" : $"fragment {Fragment} does not open ({Fault})";
        return $"shard {Shard} of {Convert.ToHexStringLower(Row.ObjectHash.Span)} on storage id {StorageId}: {what}";
    }
}

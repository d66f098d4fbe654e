using Predastore.Actors.Metadata;
using Predastore.Shards.Crypto;
using DataKey = Predastore.Shards.Crypto.DataKey;

namespace Predastore.Actors.Streams;

/// <summary>A shard that a read could not use although its storage id answered: it is missing or damaged there.</summary>
/// <param name="Row">The data row the reader had.</param>
/// <param name="Shard">Index of the shard.</param>
/// <param name="StorageId">Where it was looked for.</param>
/// <param name="Fragment">First fragment that did not open, or <see cref="WholeShard"/>.</param>
/// <param name="Fault">What was wrong with the fragment; of a whole shard, <see cref="FragmentFault.Header"/> if its extent is damaged.</param>
internal sealed record ShardFault(DataRow Row, int Shard, uint StorageId, long Fragment, FragmentFault Fault)
{
    /// <summary>In the place of a fragment: the shard is missing, or its extent is damaged.</summary>
    public const long WholeShard = -1;

    /// <summary>True if there is something on the disk, and it is not what was written.</summary>
    public bool Damaged => Fragment >= 0 || Fault == FragmentFault.Header;

    /// <summary>One line for the log and the heal queue.</summary>
    public override string ToString()
    {
        string what = Fragment < 0 ? (Damaged ? "its extent header is damaged" : "missing") : $"fragment {Fragment} does not open ({Fault})";
        return $"shard {Shard} of {Convert.ToHexStringLower(Row.ObjectHash.Span)} on storage id {StorageId}: {what}";
    }
}

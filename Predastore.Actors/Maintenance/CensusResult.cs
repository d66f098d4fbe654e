namespace Predastore.Actors.Maintenance;

/// <summary>
/// What a census found: shards on disks against data rows. Rows and disks are walked one after the other, so that the numbers fit
/// together only while nothing is written, healed or deleted.
/// </summary>
public sealed record CensusResult
{
    /// <summary>The node that counted.</summary>
    public required uint AnsweredBy { get; init; }

    /// <summary>How long it took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Data rows.</summary>
    public required long Rows { get; init; }

    /// <summary>Shards that the rows name.</summary>
    public required long Named { get; init; }

    /// <summary>Of those: there, with the digest, geometry and length that the row tells.</summary>
    public required long Present { get; init; }

    /// <summary>Of those: not in the index of their storage id.</summary>
    public required long Missing { get; init; }

    /// <summary>Of those: there, but not the bytes that the row tells.</summary>
    public required long Wrong { get; init; }

    /// <summary>Of those: their storage id did not answer.</summary>
    public required long Unreachable { get; init; }

    /// <summary>Rows of a geometry narrower than the ring's, still to be written anew.</summary>
    public required long Narrow { get; init; }

    /// <summary>Objects in the heal queue.</summary>
    public required long HealBacklog { get; init; }

    /// <summary>Garbage rows whose shards are still to be deleted.</summary>
    public required long GarbageBacklog { get; init; }

    /// <summary>What each storage id of the cluster has, by id.</summary>
    public required IReadOnlyList<CensusOfDisk> Disks { get; init; }

    /// <summary>The first problems, one sentence each, at most <see cref="Census.ProblemsMax"/>.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>Every shard of every row is there.</summary>
    public bool Complete => Missing == 0 && Wrong == 0 && Unreachable == 0 && Disks.All(disk => disk.Error is null);

    /// <summary>Complete, and the disks have nothing else: neither orphans nor leftovers of any kind.</summary>
    public bool Exact => Complete && Disks.All(disk => disk.Listed == disk.Named);
}

/// <summary>What one storage id has in its index.</summary>
/// <param name="Storage">The storage id.</param>
/// <param name="Listed">Shards listed, every attempt counted.</param>
/// <param name="Named">Of those: named by a data row at this place, each shard counted once.</param>
/// <param name="Duplicates">Of those: another attempt of a shard that was counted.</param>
/// <param name="Undecided">Of those: their write may still be committed.</param>
/// <param name="Garbage">Of those: to be deleted once nobody reads them.</param>
/// <param name="Orphans">Of those: nobody names them and nobody will.</param>
/// <param name="Error">Why it could not be listed to the end; null if it was.</param>
public sealed record CensusOfDisk(
    uint Storage, long Listed, long Named, long Duplicates, long Undecided, long Garbage, long Orphans, string? Error);

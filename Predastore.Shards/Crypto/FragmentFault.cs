namespace Predastore.Shards.Crypto;

/// <summary>Why a fragment did not open. Whatever the reason, nothing of it may be served.</summary>
public enum FragmentFault
{
    /// <summary>It opened.</summary>
    None,

    /// <summary>There are not as many bytes as this fragment has.</summary>
    Length,

    /// <summary>The header is not the one of this position and write: misplaced, stale or damaged.</summary>
    Header,

    /// <summary>The tag does not authenticate: damaged, tampered with, or of another object, shard or key.</summary>
    Tag,
}

/// <summary>What came of opening consecutive fragments.</summary>
/// <param name="Opened">Fragments that opened, from the first one on; their bodies are in the destination.</param>
/// <param name="Fault">What is wrong with the fragment after those; none if all opened.</param>
public readonly record struct FragmentRunResult(int Opened, FragmentFault Fault)
{
    /// <summary>True if all opened.</summary>
    public bool Ok => Fault == FragmentFault.None;
}

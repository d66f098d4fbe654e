namespace Predastore.Actors.Stores;

/// <summary>Why a store has to be closed and opened anew by its owner.</summary>
/// <param name="Why">For the log.</param>
/// <param name="IndexLost">True if the index is damaged and has to be rebuilt; else a write to it failed, and what it holds counts.</param>
public sealed record StoreTrouble(string Why, bool IndexLost);

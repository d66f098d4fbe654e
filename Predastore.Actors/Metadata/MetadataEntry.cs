namespace Predastore.Actors.Metadata;

/// <summary>A committed log entry.</summary>
/// <param name="Index">Log index.</param>
/// <param name="Term">Term it was proposed in.</param>
/// <param name="Data">A <see cref="Command"/>, or empty for an entry that changes nothing here.</param>
public readonly record struct MetadataEntry(ulong Index, ulong Term, ReadOnlyMemory<byte> Data);

using Predastore.Actors.Metadata;

namespace Predastore.Actors.Client;

/// <summary>
/// The only door of the S3 layer: metadata commands and queries, and object bytes in and out. Thread-safe. Members throw
/// <see cref="StoreException"/> when the cluster cannot answer; a refusal that S3 knows (no such bucket, precondition failed) is a
/// <see cref="ResultCode"/> in the result and never an exception.
/// </summary>
public interface IObjectStore
{
    /// <summary>A linearizable metadata read.</summary>
    Task<QueryResult> QueryAsync(Query query, CancellationToken cancel);

    /// <summary>
    /// Proposes a metadata command and returns its definite outcome. Write id, time and feature level are filled in here; the same
    /// write id is retried until there is an answer or the deadline of the store has passed.
    /// </summary>
    Task<CommandResult> ExecuteAsync(Command command, CancellationToken cancel);

    /// <summary>
    /// Streams a body to its shards. On return they are durable on a write quorum and nothing is visible. Memory stays bounded
    /// whatever the size. An exception thrown by <paramref name="body"/> aborts the shards and reaches the caller as it is.
    /// </summary>
    /// <param name="bucket">The bucket, as just read.</param>
    /// <param name="body">Decoded object bytes; read to the end, not disposed.</param>
    /// <param name="sizeHint">Expected bytes, or -1. Never trusted for memory or disk.</param>
    /// <param name="cancel">Ends the upload; the shards are aborted.</param>
    Task<IStagedObject> StageAsync(BucketRow bucket, Stream body, long sizeHint, CancellationToken cancel);

    /// <summary>
    /// Commits staged bytes as a version. The caller fills bucket, key, etag, attributes, checksum, owner and preconditions; size, data
    /// and heal fields are filled in here. A definite refusal aborts the shards.
    /// </summary>
    Task<CommandResult> PutAsync(IStagedObject staged, PutVersion put, CancellationToken cancel);

    /// <summary>Commits staged bytes as a part of a multipart upload; otherwise as <see cref="PutAsync"/>.</summary>
    Task<CommandResult> PutPartAsync(IStagedObject staged, PutPart put, CancellationToken cancel);

    /// <summary>
    /// Makes a version that refers to the bytes of an open version: no bytes move, unless the source is inline or has too many
    /// parts to name in one entry. The caller fills everything but the data fields.
    /// </summary>
    Task<CommandResult> CopyAsync(IObjectReader source, BucketRow target, PutVersion put, CancellationToken cancel);

    /// <summary>
    /// Opens a version for reading: its rows at a linearizable point, held against collection until the reader is disposed. A missing
    /// bucket, key or version is in <see cref="IObjectReader.Version"/>'s code, not an exception.
    /// </summary>
    Task<IObjectReader> OpenAsync(GetVersion query, CancellationToken cancel);
}

/// <summary>
/// Bytes that are durable and not yet visible. Disposing it before it was proposed aborts its shards; afterwards disposing does
/// nothing, for a proposed write is never aborted.
/// </summary>
public interface IStagedObject : IAsyncDisposable
{
    /// <summary>Plain bytes.</summary>
    long Size { get; }
}

/// <summary>An open version.</summary>
public interface IObjectReader : IAsyncDisposable
{
    /// <summary>The answer to the query: rows, or the code that says why there are none.</summary>
    QueryResult Version { get; }

    /// <summary>
    /// Reads and authenticates the first bytes of the range, so that a failure can still become a clean error. Call once.
    /// </summary>
    /// <param name="offset">First byte of the object wanted.</param>
    /// <param name="length">Number of bytes; must lie within the object.</param>
    /// <param name="cancel">Ends the read.</param>
    /// <exception cref="StoreException">Fewer than K shards can be read.</exception>
    Task StartAsync(long offset, long length, CancellationToken cancel);

    /// <summary>
    /// Writes the whole range started to <paramref name="output"/> with back-pressure. Every byte written was authenticated. An
    /// exception after the first byte means the connection must be aborted.
    /// </summary>
    Task CopyToAsync(System.IO.Pipelines.PipeWriter output, CancellationToken cancel);
}

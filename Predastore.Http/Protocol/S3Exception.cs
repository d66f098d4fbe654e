namespace Predastore.Http.Protocol;

/// <summary>A request that S3 answers with an error document.</summary>
/// <param name="error">Code, status and message.</param>
/// <param name="details">More elements of the document, such as <c>Region</c> or <c>Condition</c>.</param>
public sealed class S3Exception(S3Error error, IReadOnlyList<KeyValuePair<string, string>>? details = null) : Exception(error.Message)
{
    public S3Error Error { get; } = error;

    public IReadOnlyList<KeyValuePair<string, string>> Details { get; } = details ?? [];
}

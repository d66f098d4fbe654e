using Amazon.Runtime;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>How a request of the SDK ends that got no answer, or an error for one.</summary>
public static class NoAnswer
{
    /// <summary>True for every way in which a request to a node in trouble may fail.</summary>
    public static bool Is(Exception error)
        => error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or OperationCanceledException or TimeoutException;
}

using Predastore.Host.Config;

namespace Predastore.Host.Admin;

/// <summary>Whom to ask, whom to trust and how to sign: from flags, the cluster file and the variables of the AWS tools, in this order.</summary>
internal sealed record StatusTarget(IReadOnlyList<Uri> Endpoints, string? CaFile, string Region, AuthEntry Credentials)
{
    /// <exception cref="StartupException">Something is missing; one line.</exception>
    public static StatusTarget Resolve(ClusterFile? file, string? endpoint, string? ca, Func<string, string?> environment)
    {
        endpoint ??= file is null ? environment("AWS_ENDPOINT_URL") : null;
        IReadOnlyList<Uri> endpoints =
            endpoint is not null ? [ParseEndpoint(endpoint)]
            : file is not null ? [.. file.Nodes.Select(node => EndpointOf(file, node))]
            : throw Usage("say whom to ask with --config FILE or --endpoint URL");
        string? caFile = ca ?? TlsCaOf(file) ?? environment("AWS_CA_BUNDLE");
        return new StatusTarget(
            endpoints, caFile, file?.Region ?? environment("AWS_DEFAULT_REGION") ?? "us-east-1", CredentialsOf(file, environment));
    }

    /// <summary>Where S3 of a node is reached, as far as the file knows.</summary>
    public static Uri EndpointOf(ClusterFile file, uint node)
    {
        string host = file.S3.Bind is { } bind && !HostAddress.IsWildcard(bind) ? bind : file.HostOf(node);
        return new Uri($"https://{new HostPort(host, file.S3.Port)}");
    }

    private static Uri ParseEndpoint(string endpoint)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("https" or "http"))
            throw Usage($"--endpoint {endpoint} is no address; write it like https://127.11.12.1:8443");
        // A signed request over plain HTTP can be read and repeated by whoever sits between.
        if (uri.Scheme == "http" && !HostAddress.IsLoopback(uri.Host))
            throw Usage($"--endpoint {endpoint} is plain HTTP and not on loopback; use https");
        return uri;
    }

    public static string? TlsCaOf(ClusterFile? file) =>
        file?.Tls.Ca is { } ca ? Path.GetFullPath(ca, Path.GetDirectoryName(Path.GetFullPath(file.Source))!) : null;

    private static AuthEntry CredentialsOf(ClusterFile? file, Func<string, string?> environment)
    {
        if (file is not null)
            return file.Auths[0];
        return environment("AWS_ACCESS_KEY_ID") is { Length: > 0 } key && environment("AWS_SECRET_ACCESS_KEY") is { Length: > 0 } secret
            ? new AuthEntry(key, secret, "", "", null, "", 0)
            : throw Usage("no credentials to sign with; give --config FILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }

    private static StartupException Usage(string message) => new(message, ExitCode.Usage);
}

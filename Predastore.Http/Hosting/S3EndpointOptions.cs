using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Predastore.Actors.Client;
using Predastore.Http.Admin;
using Predastore.Http.Auth;

namespace Predastore.Http.Hosting;

/// <summary>What an S3 door is made from.</summary>
public sealed record S3EndpointOptions
{
    /// <summary>Where HTTPS listens.</summary>
    public required IPEndPoint Endpoint { get; init; }

    /// <summary>Where plain HTTP listens; null for nowhere.</summary>
    public IPEndPoint? Plain { get; init; }

    /// <summary>Certificate of HTTPS, with its key.</summary>
    public required X509Certificate2 Certificate { get; init; }

    /// <summary>The cluster's region.</summary>
    public required string Region { get; init; }

    /// <summary>Domains under which <c>bucket.domain</c> names a bucket, longest first.</summary>
    public IReadOnlyList<string> Domains { get; init; } = [];

    public required IAccounts Accounts { get; init; }

    public required IObjectStore Store { get; init; }

    public required INodeHealth Health { get; init; }

    /// <summary>What <c>/_/admin/</c> serves.</summary>
    public AdminActions Admin { get; init; } = AdminActions.None;

    public required ILoggerFactory Loggers { get; init; }

    public S3Limits Limits { get; init; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

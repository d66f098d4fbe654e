using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;
using Predastore.Shards.Transport;

namespace Predastore.Actors.Hosting;

/// <summary>
/// Mutual TLS for Akka.Remote: both sides show a certificate of the cluster CA. Whoever dials checks that the certificate belongs to
/// the node at that address; whoever listens, that it belongs to a node of this cluster. The platform's own verdict is not asked: it
/// does not know the cluster CA, and its host name check is off in Akka.Remote.
/// </summary>
internal sealed class RemoteTrust(ClusterTrust trust, IReadOnlyDictionary<uint, ControlAddress> nodes)
{
    private readonly Dictionary<ControlAddress, uint> _nodeAt = nodes.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>The setup that makes Akka.Remote use this.</summary>
    public DotNettySslSetup Setup() => new(
        trust.Certificate,
        suppressValidation: false,
        requireMutualAuthentication: true,
        validateCertificateHostname: false,
        customValidator: Accepts);

    /// <summary>Akka.Remote's callback, for both directions.</summary>
    /// <param name="certificate">The peer's, or null if it showed none.</param>
    /// <param name="chain">What the peer sent along.</param>
    /// <param name="peer">An actor system address (<c>ssl.tcp://system@host:port</c>) when dialling, a socket address when listening.</param>
    /// <param name="errors">The platform's verdict; it may only make the answer stricter.</param>
    /// <param name="log">Where a refusal is told.</param>
    internal bool Accepts(
        X509Certificate2? certificate, X509Chain? chain, string peer, SslPolicyErrors errors, ILoggingAdapter log)
    {
        if (Refusal(certificate, chain, peer, errors) is not { } reason) return true;
        // An error, because warnings of Akka's own classes are kept for the debug level.
        log.Error("Refused a control connection with {0}: {1}", peer, reason);
        return false;
    }

    private string? Refusal(X509Certificate2? certificate, X509Chain? chain, string peer, SslPolicyErrors errors)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return "no certificate";

        uint? expected = null;
        if (peer.Contains("://", StringComparison.Ordinal))
        {
            if (!Uri.TryCreate(peer, UriKind.Absolute, out Uri? address)
                || !_nodeAt.TryGetValue(new ControlAddress(address.IdnHost, address.Port), out uint dialled))
            {
                return "no node of the cluster file has this address";
            }

            expected = dialled;
        }

        return trust.TryValidatePeer(certificate, chain?.ChainPolicy.ExtraStore, expected, out _, out string reason) ? null : reason;
    }
}

using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Predastore.Shards.Transport;

/// <summary>
/// The DNS name that binds a certificate to a node number: <c>node-N.predastore.internal</c>, N in decimal without leading
/// zeros. It is never resolved; it only stands in certificates and in the TLS server name.
/// </summary>
public static class NodeName
{
    private const string Prefix = "node-";
    private const string Suffix = ".predastore.internal";

    /// <summary>The name of a node.</summary>
    public static string Of(uint node) => Prefix + node.ToString(CultureInfo.InvariantCulture) + Suffix;

    /// <summary>Reads a node number out of a DNS name; false for every other name, wildcards included.</summary>
    public static bool TryParse(string? name, out uint node)
    {
        node = 0;
        if (name is null
            || !name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || !name.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase)
            || name.Length <= Prefix.Length + Suffix.Length)
            return false;
        ReadOnlySpan<char> digits = name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length);
        // "node-01" must not be a second spelling of node 1.
        if (digits.Length > 1 && digits[0] == '0') return false;
        return uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out node);
    }

    /// <summary>
    /// The node a certificate is bound to: the only node name among its subject alternative names. A certificate with none or
    /// with several names no node. This reads the certificate and does not verify it: see <see cref="ClusterTrust"/>.
    /// </summary>
    public static bool TryRead(X509Certificate2 cert, out uint node)
    {
        node = 0;
        int found = 0;
        foreach (X509Extension extension in cert.Extensions)
        {
            if (extension is not X509SubjectAlternativeNameExtension names) continue;
            foreach (string name in names.EnumerateDnsNames())
            {
                if (!TryParse(name, out uint candidate)) continue;
                // Two different nodes in one certificate would let either act as the other.
                if (found++ > 0 && candidate != node) return false;
                node = candidate;
            }
        }
        return found > 0;
    }
}

using System.Net;

namespace Predastore.Host.Config;

/// <summary>A host and a TCP/UDP port as the cluster file writes them; IPv6 hosts are kept without brackets.</summary>
public sealed record HostPort(string Host, int Port)
{
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>Pure questions about host names; nothing here asks DNS.</summary>
public static class HostAddress
{
    /// <summary>True for 127.0.0.0/8, ::1 and "localhost"; any other name may be reached from outside.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>True for an address that means "all of this machine" and that nobody can dial.</summary>
    public static bool IsWildcard(string host) =>
        host is "*" or "+"
        || (IPAddress.TryParse(host, out IPAddress? address)
            && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)
                || (address.IsIPv4MappedToIPv6 && address.MapToIPv4().Equals(IPAddress.Any))));

    /// <summary>An IP address, or a DNS name of letters, digits, hyphens and dots; no port, scheme, brackets or spaces.</summary>
    public static bool IsValid(string host)
    {
        if (host.Length is 0 or > 253)
            return false;
        if (host.Contains(':'))
            return IPAddress.TryParse(host, out _) && !host.Contains('[');
        return host.Split('.').All(label =>
            label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-'
            && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
    }
}

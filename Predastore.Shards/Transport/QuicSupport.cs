using System.Net.Quic;
using System.Runtime.Versioning;

namespace Predastore.Shards.Transport;

/// <summary>Whether this machine can speak QUIC, and what to say where it cannot.</summary>
public static class QuicSupport
{
    /// <summary>
    /// Application error code of an aborted stream or a closed connection. There is one code: why an exchange failed is told by
    /// the protocol's Error frame, or not at all.
    /// </summary>
    internal const long AbortCode = 1;

    /// <summary>True where the native library is there and works.</summary>
    [SupportedOSPlatformGuard("linux")]
    [SupportedOSPlatformGuard("macos")]
    [SupportedOSPlatformGuard("windows")]
    public static bool IsSupported =>
        (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsWindows()) && QuicListener.IsSupported;

    /// <summary>One line for an operator whose machine lacks the library.</summary>
    public const string MissingLibrary =
        "QUIC needs the native library libmsquic 2.x, which is not part of .NET: install the package 'libmsquic' from Microsoft's "
        + "package feed (apt-get install libmsquic), or set [transport] kind = \"auto\" or \"tls\"";
}

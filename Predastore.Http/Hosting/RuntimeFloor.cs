using System.Runtime.InteropServices;

namespace Predastore.Http.Hosting;

/// <summary>
/// The oldest runtime whose web server reads chunk extensions as proxies do (CVE-2025-55315): on an older one a request can be
/// smuggled past whatever stands in front.
/// </summary>
internal static class RuntimeFloor
{
    private static readonly Version Oldest = new(10, 0, 0);

    /// <summary>Throws on an older or unfinished runtime.</summary>
    /// <exception cref="NotSupportedException">With what to install.</exception>
    public static void Check() => Check(Environment.Version, RuntimeInformation.FrameworkDescription);

    /// <summary>As above, for a given runtime.</summary>
    public static void Check(Version version, string description)
    {
        if (version < Oldest || description.Contains('-'))
            throw new NotSupportedException($"{description} has known holes in its web server; install .NET {Oldest} or newer");
    }
}

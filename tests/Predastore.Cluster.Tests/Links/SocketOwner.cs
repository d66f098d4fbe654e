using System.Globalization;

namespace Predastore.Cluster.Tests.Links;

/// <summary>
/// Whose socket is at the other end: all of loopback dials from 127.0.0.1, so that a relay knows the sender only by its port, through
/// the tables of the kernel. Linux only.
/// </summary>
internal static class SocketOwner
{
    /// <summary>Which of some processes has the socket with a local port; 0 if none has.</summary>
    /// <param name="table"><c>tcp</c> or <c>udp</c>.</param>
    public static int Find(string table, int localPort, IEnumerable<(int Node, int Pid)> processes)
    {
        string port = localPort.ToString("X4", CultureInfo.InvariantCulture);
        HashSet<string> sockets = [];
        foreach (string name in new[] { table, table + "6" })
            if (File.Exists($"/proc/net/{name}"))
                sockets.UnionWith(File.ReadLines($"/proc/net/{name}").Skip(1)
                    .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    .Where(fields => fields.Length > 9 && fields[1].EndsWith(':' + port, StringComparison.Ordinal))
                    .Select(fields => $"socket:[{fields[9]}]"));
        foreach ((int node, int pid) in processes)
            if (Has(pid, sockets))
                return node;
        return 0;
    }

    private static bool Has(int pid, HashSet<string> sockets)
    {
        try
        {
            return new DirectoryInfo($"/proc/{pid}/fd").EnumerateFileSystemInfos().Any(entry => entry.LinkTarget is { } target && sockets.Contains(target));
        }
        catch (IOException)
        {
            // It ended, or closed one meanwhile.
            return false;
        }
    }
}

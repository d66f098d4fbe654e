using System.Net;
using System.Net.Sockets;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>
/// A /24 below 127.0.0.0/8 that no other test on this machine uses meanwhile: all ports of all its addresses are free, so
/// nobody has to guess free port numbers. The claim is a listening socket, so it ends with the process, however it ends.
/// </summary>
public sealed class LoopbackNetwork : IDisposable
{
    private const int ClaimPort = 6659;
    private const int Attempts = 100;
    private readonly Socket _claim;

    private LoopbackNetwork(string prefix, Socket claim)
    {
        Prefix = prefix;
        _claim = claim;
    }

    /// <summary>Like <c>127.33.44.</c>, to which a node number is added.</summary>
    public string Prefix { get; }

    public string Host(int node) => Prefix + node;

    /// <summary>Where a node listens whose dialled address is a relay's.</summary>
    public string HiddenHost(int node) => Prefix + (100 + node);

    public static LoopbackNetwork Claim()
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            // 127.0, 127.1 and 127.11 are used by people and by scripts/start.sh.
            string prefix = $"127.{Random.Shared.Next(16, 255)}.{Random.Shared.Next(0, 255)}.";
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse(prefix + "254"), ClaimPort));
                socket.Listen(1);
                return new LoopbackNetwork(prefix, socket);
            }
            catch (SocketException)
            {
                socket.Dispose();
            }
        }
        throw new InvalidOperationException("no free network below 127.0.0.0/8; on macOS only 127.0.0.1 exists and these tests need Linux");
    }

    public void Dispose() => _claim.Dispose();
}

using System.Net;
using System.Net.Sockets;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>
/// A /24 below 127.0.0.0/8 that no other test on this machine uses meanwhile: all TCP ports of all its addresses are free, so nobody
/// has to guess free port numbers. QUIC binds the wildcard address, so its ports are claimed for all of the machine. Claims are bound
/// sockets, so they end with the process, however it ends.
/// </summary>
public sealed class LoopbackNetwork : IDisposable
{
    private const int ClaimPort = 6659;
    private const int Attempts = 100;

    // Below the ports that systems give to clients.
    private const int DataPortFirst = 20_000;
    private const int DataPortBlocks = 750;
    private const int DataPortsEach = 16;

    private readonly Socket _claim;
    private readonly Socket _dataClaim;
    private readonly int _dataPorts;

    private LoopbackNetwork(string prefix, Socket claim, Socket dataClaim)
    {
        Prefix = prefix;
        (_claim, _dataClaim) = (claim, dataClaim);
        _dataPorts = ((IPEndPoint)dataClaim.LocalEndPoint!).Port;
    }

    /// <summary>Like <c>127.33.44.</c>, to which a node number is added.</summary>
    public string Prefix { get; }

    public string Host(int node) => Prefix + node;

    /// <summary>Where a node listens whose dialled address is a relay's.</summary>
    public string HiddenHost(int node) => Prefix + (100 + node);

    /// <summary>Of the data plane of a node, 1 to 7: no two nodes of the machine share one.</summary>
    public int DataPort(int node) => _dataPorts + node;

    /// <summary>Where a node's data plane listens when a relay has <see cref="DataPort"/>: a QUIC listener takes its port on all addresses.</summary>
    public int HiddenDataPort(int node) => _dataPorts + (DataPortsEach / 2) + node;

    public static LoopbackNetwork Claim()
    {
        Socket dataClaim = Bind(
            ProtocolType.Udp, () => new IPEndPoint(IPAddress.Any, DataPortFirst + (DataPortsEach * Random.Shared.Next(DataPortBlocks))),
            "no free block of UDP ports");
        try
        {
            // 127.0, 127.1 and 127.11 are used by people and by scripts/start.sh.
            Socket claim = Bind(
                ProtocolType.Tcp, () => new IPEndPoint(new IPAddress([127, (byte)Random.Shared.Next(16, 255), (byte)Random.Shared.Next(0, 255), 254]), ClaimPort),
                "no free network below 127.0.0.0/8; on macOS only 127.0.0.1 exists and these tests need Linux");
            byte[] address = ((IPEndPoint)claim.LocalEndPoint!).Address.GetAddressBytes();
            return new LoopbackNetwork($"127.{address[1]}.{address[2]}.", claim, dataClaim);
        }
        catch (InvalidOperationException)
        {
            dataClaim.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _claim.Dispose();
        _dataClaim.Dispose();
    }

    private static Socket Bind(ProtocolType protocol, Func<IPEndPoint> candidate, string problem)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, protocol is ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram, protocol);
            try
            {
                socket.Bind(candidate());
                if (protocol is ProtocolType.Tcp)
                    socket.Listen(1);
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
            }
        }
        throw new InvalidOperationException(problem);
    }
}

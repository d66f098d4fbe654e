using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Predastore.Cluster.Tests.Links;

/// <summary>
/// Stands between the nodes of a cluster: listens where a node is dialled, forwards to where it listens, and treats every direction
/// between two nodes as the table says, over TCP and UDP alike.
/// </summary>
/// <param name="links">How each direction is now.</param>
/// <param name="processes">The processes of the nodes that run now: who dials is known by its socket.</param>
public sealed class LinkRelay(LinkTable links, Func<IEnumerable<(int Node, int Pid)>> processes) : IDisposable
{
    private const int PieceBytes = 32 << 10;
    private const int DatagramBytesMax = 1 << 16;

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentBag<IDisposable> _open = [];

    /// <summary>Relays one port of a node.</summary>
    /// <param name="node">Its number.</param>
    /// <param name="dialled">Where the others dial it.</param>
    /// <param name="listening">Where it listens.</param>
    public void Serve(int node, IPEndPoint dialled, IPEndPoint listening, bool datagrams)
    {
        var listener = new TcpListener(dialled);
        listener.Start();
        _open.Add(listener);
        _ = AcceptAsync(node, listener, listening);
        if (!datagrams)
            return;
        var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.Bind(dialled);
        _open.Add(udp);
        _ = ReceiveAsync(node, udp, listening);
    }

    public void Dispose()
    {
        _stopping.Cancel();
        foreach (IDisposable socket in _open)
            socket.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync(int node, TcpListener listener, IPEndPoint listening)
    {
        try
        {
            while (true)
            {
                Socket from = await listener.AcceptSocketAsync(_stopping.Token);
                _open.Add(from);
                _ = RelayAsync(node, from, listening);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The relay ends.
        }
    }

    private async Task RelayAsync(int node, Socket from, IPEndPoint listening)
    {
        using var to = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        from.NoDelay = true;
        try
        {
            int dialler = SocketOwner.Find("tcp", ((IPEndPoint)from.RemoteEndPoint!).Port, processes());
            await links.WhenOpenAsync(dialler, node, _stopping.Token);
            await to.ConnectAsync(listening, _stopping.Token);
            // One direction that has ended ends the other: a half of a TLS connection is of no use.
            await Task.WhenAny(PumpAsync(from, to, dialler, node), PumpAsync(to, from, node, dialler));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // As if the peer had refused.
        }
        finally
        {
            from.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, int source, int target)
    {
        byte[] piece = new byte[PieceBytes];
        try
        {
            while (true)
            {
                int read = await from.ReceiveAsync(piece, _stopping.Token);
                // The end of a stream is a packet as well: over a cut link it does not arrive.
                Link link = await links.WhenOpenAsync(source, target, _stopping.Token);
                if (read == 0)
                    return;
                if (link.StreamDelay() is { Ticks: > 0 } delay)
                    await Task.Delay(delay, _stopping.Token);
                for (int sent = 0; sent < read;)
                    sent += await to.SendAsync(piece.AsMemory(sent, read - sent), _stopping.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other side is told by the end of the relay.
        }
    }

    private async Task ReceiveAsync(int node, Socket dialled, IPEndPoint listening)
    {
        Dictionary<EndPoint, (Socket Socket, int Dialler)> senders = [];
        byte[] datagram = new byte[DatagramBytesMax];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await dialled.ReceiveFromAsync(datagram, new IPEndPoint(IPAddress.Any, 0), _stopping.Token);
                if (!senders.TryGetValue(got.RemoteEndPoint, out (Socket Socket, int Dialler) sender))
                {
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                    socket.Connect(listening);
                    _open.Add(socket);
                    sender = (socket, SocketOwner.Find("udp", ((IPEndPoint)got.RemoteEndPoint).Port, processes()));
                    senders.Add(got.RemoteEndPoint, sender);
                    _ = ReturnAsync(node, sender.Dialler, socket, dialled, got.RemoteEndPoint);
                }

                byte[] copy = datagram[..got.ReceivedBytes];
                _ = PassAsync(links[sender.Dialler, node], () => sender.Socket.SendAsync(copy, _stopping.Token).AsTask());
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The relay ends.
        }
    }

    private async Task ReturnAsync(int node, int dialler, Socket socket, Socket dialled, EndPoint to)
    {
        byte[] datagram = new byte[DatagramBytesMax];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                byte[] copy = datagram[..await socket.ReceiveAsync(datagram, _stopping.Token)];
                _ = PassAsync(links[node, dialler], () => dialled.SendToAsync(copy, to, _stopping.Token).AsTask());
            }
            catch (SocketException)
            {
                // Refused while the node is away: the next datagram may arrive.
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task PassAsync(Link link, Func<Task> send)
    {
        if (link.Cut || link.Loses())
            return;
        try
        {
            if (link.DelayMs > 0)
                await Task.Delay(link.DelayMs, _stopping.Token);
            await send();
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // A datagram may be lost.
        }
    }
}

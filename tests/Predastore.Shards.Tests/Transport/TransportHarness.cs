using System.Net;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Shards.Tests.Transport;

/// <summary>A listener of node 1 and a dialer of node 2, over one kind of transport.</summary>
internal sealed class TransportHarness : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly InProcessHub? _hub;

    public TransportHarness(TransportKind kind, StreamHandler handler, TransportOptions? options = null, Action<EndPoint?, string>? refused = null)
    {
        options ??= new TransportOptions();
        Ca = DevelopmentCa.Create("test cluster");
        ServerTrust = ClusterTrustSpecs.TrustOf(Ca, 1);
        ClientTrust = ClusterTrustSpecs.TrustOf(Ca, 2);
        if (kind == TransportKind.InProcess)
        {
            _hub = new InProcessHub(options);
            Listener = _hub.Listen("127.0.0.1", 9991, 1, handler);
            Peer = new Peer(1, "127.0.0.1", 9991);
        }
        else
        {
            Listener = Start(kind, ServerTrust, handler, options, refused);
            Peer = new Peer(1, "127.0.0.1", Listener.Endpoint!.Port);
        }
        Transport = Dialer(kind, ClientTrust, options);
        _owned.Add(Transport);
        _owned.Add(Listener);
    }

    public DevelopmentCa Ca { get; }

    public ClusterTrust ServerTrust { get; }

    public ClusterTrust ClientTrust { get; }

    public ITransportListener Listener { get; }

    public ITransport Transport { get; }

    public Peer Peer { get; }

    public ShardClient Client => new(Transport);

    public static TheoryData<TransportKind> Kinds => [TransportKind.InProcess, TransportKind.Quic, TransportKind.Tls];

    public static TheoryData<TransportKind> NetworkKinds => [TransportKind.Quic, TransportKind.Tls];

    public static void SkipWithoutLibrary(TransportKind kind) =>
        Skip.If(kind == TransportKind.Quic, "QUIC is not built yet");

    public ITransport Dialer(TransportKind kind, ClusterTrust trust, TransportOptions? options = null) => kind switch
    {
        TransportKind.InProcess => _hub!.Transport(2),
        _ => new TlsTransport(trust, options),
    };

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable owned in _owned) await owned.DisposeAsync();
        _hub?.Dispose();
        ServerTrust.Dispose();
        ClientTrust.Dispose();
        Ca.Dispose();
    }

    private static ITransportListener Start(
        TransportKind kind, ClusterTrust trust, StreamHandler handler, TransportOptions options, Action<EndPoint?, string>? refused)
    {
        _ = kind;
        return TlsListener.Start(new IPEndPoint(IPAddress.Loopback, 0), trust, handler, options, refused);
    }
}

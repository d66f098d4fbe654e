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
        Skip.If(kind == TransportKind.Quic && !QuicSupport.IsSupported, "the native library libmsquic is not on this machine");

    public ITransport Dialer(TransportKind kind, ClusterTrust trust, TransportOptions? options = null) => kind switch
    {
        TransportKind.InProcess => _hub!.Transport(2),
        TransportKind.Quic when QuicSupport.IsSupported => new QuicTransport(trust, options),
        TransportKind.Tls => new TlsTransport(trust, options),
        _ => throw new PlatformNotSupportedException(),
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
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        if (kind == TransportKind.Tls) return TlsListener.Start(any, trust, handler, options, refused);
        if (!QuicSupport.IsSupported) throw new PlatformNotSupportedException(QuicSupport.MissingLibrary);
        return QuicShardListener.StartAsync(any, trust, handler, options, refused).GetAwaiter().GetResult();
    }
}

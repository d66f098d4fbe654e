using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Predastore.Http.Hosting;

/// <summary>
/// Bounds the connections that have no request. When there is one too many, the one that has been idle for longest is asked to end, as in an
/// orderly stop: a request under way is never cut off. Each holds tens of kilobytes for TLS and buffers, whatever its client wants. Thread-safe.
/// </summary>
/// <param name="max">Connections without a request at once.</param>
internal sealed class IdleConnections(int max)
{
    private readonly Lock _lock = new();

    // The one that has been idle for longest is the first.
    private readonly LinkedList<Connection> _idle = [];

    /// <summary>Counts a connection until it has ended, also while its TLS handshake is under way.</summary>
    public async Task HoldAsync(ConnectionContext context, ConnectionDelegate next)
    {
        var connection = new Connection(context.Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>());
        context.Features.Set(connection);
        Rest(connection);
        try
        {
            await next(context);
        }
        finally
        {
            lock (_lock)
                Remove(connection);
        }
    }

    /// <summary>Carries out a request; its connection is not idle meanwhile.</summary>
    public async Task ServeAsync(HttpContext http, RequestDelegate serve)
    {
        Connection connection = http.Features.GetRequiredFeature<Connection>();
        lock (_lock)
        {
            connection.Requests++;
            Remove(connection);
        }

        try
        {
            await serve(http);
        }
        finally
        {
            lock (_lock)
                connection.Requests--;
            Rest(connection);
        }
    }

    private void Rest(Connection connection)
    {
        Connection? longest = null;
        lock (_lock)
        {
            // Another request of HTTP/2 may be under way, and one that was asked to end has its last request behind it.
            if (connection.Requests > 0 || connection.AskedToEnd || connection.Place.List is not null)
                return;
            _idle.AddLast(connection.Place);
            if (_idle.Count > max)
            {
                longest = _idle.First!.Value;
                longest.AskedToEnd = true;
                Remove(longest);
            }
        }

        longest?.End();
    }

    private void Remove(Connection connection)
    {
        if (connection.Place.List is not null)
            _idle.Remove(connection.Place);
    }

    private sealed class Connection
    {
        private readonly IConnectionLifetimeNotificationFeature _lifetime;

        public Connection(IConnectionLifetimeNotificationFeature lifetime)
        {
            _lifetime = lifetime;
            Place = new LinkedListNode<Connection>(this);
        }

        public LinkedListNode<Connection> Place { get; }

        public int Requests { get; set; }

        public bool AskedToEnd { get; set; }

        public void End() => _lifetime.RequestClose();
    }
}

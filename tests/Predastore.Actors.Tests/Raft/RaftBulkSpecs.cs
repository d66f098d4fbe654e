using Predastore.Actors.Raft;
using Predastore.Shards.Protocol;
using Predastore.Shards.Transport;
using Xunit;

namespace Predastore.Actors.Tests.Raft;

public sealed class RaftBulkSpecs
{
    [Fact]
    public async Task Message_that_cannot_be_sent_should_not_hold_up_those_after_it()
    {
        await using var transport = new BrokenTransport();
        await using var bulk = new RaftBulk(
            new ShardClient(transport), _ => new Peer(2, "127.0.0.1", 1), null!, new RaftGroup());
        for (int i = 1; i <= 2; i++)
        {
            bulk.Send(2, new RaftMessage { Type = MessageType.MessageAppend });
            await ShellBench.UntilAsync(() => transport.Dials == i && !bulk.HasPending(2));
        }
    }

    private sealed class BrokenTransport : ITransport
    {
        private int _dials;

        public int Dials => Volatile.Read(ref _dials);

        public TransportKind Kind => TransportKind.Tls;

        public ValueTask<ITransportStream> OpenAsync(Peer peer, CancellationToken cancel)
        {
            Interlocked.Increment(ref _dials);
            throw new InvalidOperationException("an error that no contract names");
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

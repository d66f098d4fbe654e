using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Xunit;

namespace Predastore.Actors.Tests.Metadata;

/// <summary>When a write is decided, and when it has to be asked again.</summary>
public sealed class ProposerSpecs
{
    [Fact]
    public async Task Refusal_for_want_of_space_should_be_definite()
    {
        var metadata = new Script(StoreFailure.Full);
        using var proposer = Proposer(metadata, out WriteSession session);

        StoreException refused = await Assert.ThrowsAsync<StoreException>(() => proposer.RunAsync(new Command(), CancellationToken.None));

        Assert.Equal(StoreFailure.Full, refused.Failure);
        Assert.Equal(2u, session.Low);
    }

    [Fact]
    public async Task Refusal_after_an_attempt_in_doubt_should_be_asked_again()
    {
        // The first attempt may have been applied: to call the write refused would let its shards be deleted.
        var metadata = new Script(StoreFailure.Unknown, StoreFailure.Full, StoreFailure.Full);
        using var proposer = Proposer(metadata, out WriteSession session);

        CommandResult result = await proposer.RunAsync(new Command(), CancellationToken.None);

        Assert.Equal(ResultCode.ResultOk, result.Code);
        Assert.Equal(4, metadata.Attempts);
        Assert.Equal(2u, session.Low);
    }

    private static Proposer Proposer(IMetadata metadata, out WriteSession session)
    {
        session = new WriteSession(1, 1);
        var holder = new SessionHolder();
        holder.Current = session;
        return new Proposer(metadata, holder, TimeProvider.System);
    }

    /// <summary>Fails as it is told, then answers.</summary>
    private sealed class Script(params StoreFailure[] failures) : IMetadata
    {
        public int Attempts { get; private set; }

        public Task<CommandResult> ProposeAsync(Command command, TimeSpan timeout, CancellationToken cancel)
            => Attempts++ < failures.Length
                ? throw new StoreException(failures[Attempts - 1], "as told")
                : Task.FromResult(new CommandResult { Index = 9 });

        public Task<QueryResult> QueryAsync(Query query, TimeSpan timeout, CancellationToken cancel) => throw new NotSupportedException();
    }
}

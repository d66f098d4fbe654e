using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Client;

public sealed class ProposerDoubtSpecs
{
    private readonly ScriptedMetadata _metadata = new();
    private readonly WriteSession _session = new(1, 1);

    [Fact]
    public async Task Refusal_that_did_not_come_from_the_log_should_not_decide_a_write_in_doubt()
    {
        // A replica that reads its state anew does not know the cluster's feature level: it refuses what may be committed already.
        _metadata.OnCommand = (_, n) => n switch
        {
            0 => Task.FromException<CommandResult>(new StoreException(StoreFailure.Unknown, "no answer")),
            1 => Task.FromResult(new CommandResult { Code = ResultCode.ResultUnsupported }),
            _ => Task.FromResult(new CommandResult { Index = 7 }),
        };
        CommandResult result = await RunAsync();
        Assert.Equal((ResultCode.ResultOk, 7ul), (result.Code, result.Index));
        Assert.Equal(2u, _session.Low);
    }

    [Fact]
    public async Task Refusal_before_anything_was_proposed_should_be_the_answer()
    {
        _metadata.OnCommand = (_, n) => n == 0
            ? Task.FromException<CommandResult>(new StoreException(StoreFailure.Unavailable, "no leader"))
            : Task.FromResult(new CommandResult { Code = ResultCode.ResultUnsupported });
        Assert.Equal(ResultCode.ResultUnsupported, (await RunAsync()).Code);
        Assert.Equal(2, _metadata.Commands.Count);
    }

    [Fact]
    public async Task Caller_that_goes_away_should_not_end_the_pursuit()
    {
        var gate = new TaskCompletionSource<CommandResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        _metadata.OnCommand = (_, _) => gate.Task;
        using var cancel = new CancellationTokenSource();
        Task<CommandResult> run = RunAsync(cancel.Token);
        await ScriptedMetadata.UntilAsync(() => _metadata.Commands.Count == 1);
        await cancel.CancelAsync();
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => run);
        Assert.Equal(StoreFailure.Unknown, error.Failure);
        Assert.Equal(1u, _session.Low);
        gate.SetResult(new CommandResult { Index = 3 });
        await ScriptedMetadata.UntilAsync(() => _session.Low == 2);
    }

    private async Task<CommandResult> RunAsync(CancellationToken cancel = default)
    {
        using var proposer = new Proposer(_metadata, new SessionHolder { Current = _session }, TimeProvider.System);
        Task<CommandResult> run = proposer.RunAsync(new Command { DeleteBucket = new DeleteBucket { Name = "b" } }, cancel);
        return await run.WaitAsync(TimeSpan.FromSeconds(20), CancellationToken.None);
    }
}

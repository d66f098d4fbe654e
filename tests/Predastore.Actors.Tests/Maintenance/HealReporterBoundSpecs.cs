using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Predastore.Actors.Client;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;
using Predastore.Actors.Streams;
using Predastore.Actors.Tests.Client;
using Predastore.Shards.Crypto;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class HealReporterBoundSpecs
{
    [Fact]
    public async Task Fault_that_did_not_fit_should_be_queued_when_it_is_met_again()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var metadata = new ScriptedMetadata
        {
            OnCommand = async (_, _) =>
            {
                await gate.Task;
                return new CommandResult { Index = 1 };
            },
        };
        using var proposer = new Proposer(metadata, new SessionHolder { Current = new WriteSession(1, 1) }, TimeProvider.System);
        await using var reporter = new HealReporter(proposer, NullLogger.Instance);
        reporter.Report(Fault(0));
        await ScriptedMetadata.UntilAsync(() => metadata.Commands.Count == 1);
        for (int i = 1; i <= 1024; i++)
            reporter.Report(Fault(i));
        reporter.Report(Fault(5000));
        gate.SetResult();
        await ScriptedMetadata.UntilAsync(() => metadata.Commands.Count == 1025);
        reporter.Report(Fault(5000));
        await ScriptedMetadata.UntilAsync(() => metadata.Commands.Count == 1026);
    }

    private static ShardFault Fault(int number)
    {
        byte[] hash = new byte[32];
        BitConverter.TryWriteBytes(hash, number);
        var row = new DataRow { DataId = ByteString.CopyFrom(hash), ObjectHash = ByteString.CopyFrom(hash) };
        return new ShardFault(row, 1, 3, -1, FragmentFault.Length);
    }
}

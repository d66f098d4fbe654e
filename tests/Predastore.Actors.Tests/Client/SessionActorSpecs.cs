using Akka.TestKit.Xunit2;
using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Client;

public sealed class SessionActorSpecs : TestKit
{
    [Fact]
    public async Task Session_that_a_write_found_closed_should_be_followed_by_a_new_one()
    {
        // As apply does it: a nonce names one session for ever.
        var sessions = new Dictionary<ByteString, uint>();
        uint closed = 0;
        var metadata = new ScriptedMetadata
        {
            OnCommand = (command, n) =>
            {
                var result = new CommandResult { Index = (ulong)n + 1 };
                lock (sessions)
                {
                    if (command.OpenSession is not { } open)
                        result.Code = command.ReportSession.Session == closed ? ResultCode.ResultSessionClosed : ResultCode.ResultOk;
                    else if (!sessions.TryGetValue(open.Nonce, out uint known))
                        result.Session = sessions[open.Nonce] = (uint)sessions.Count + 1;
                    else if (known == closed)
                        result.Code = ResultCode.ResultSessionClosed;
                    else
                        result.Session = known;
                }

                return Task.FromResult(result);
            },
        };
        var holder = new SessionHolder();
        Sys.ActorOf(SessionActor.Props(new SessionSettings(1, SessionKind.SessionGate, metadata, holder, () => 1)));
        await ScriptedMetadata.UntilAsync(() => holder.Current is { Id: 1 });
        lock (sessions)
            closed = 1;
        holder.Current!.MarkClosed();
        await ScriptedMetadata.UntilAsync(() => holder.Current is { Closed: false, Id: 2 });
    }
}

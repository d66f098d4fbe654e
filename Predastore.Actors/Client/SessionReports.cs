using Google.Protobuf;
using Predastore.Actors.Metadata;
using Predastore.Shards;

namespace Predastore.Actors.Client;

/// <summary>What became of a session's command.</summary>
internal enum SessionStep
{
    /// <summary>The open session was reported.</summary>
    Reported,

    /// <summary>A session is open and published.</summary>
    Opened,

    /// <summary>The session was closed by others: a new one is to be opened at once.</summary>
    Closed,

    /// <summary>No session was opened.</summary>
    Refused,
}

/// <summary>Decides which command a process's write session needs next, and what its answer means. Not thread-safe.</summary>
internal sealed class SessionReports(SessionSettings settings)
{
    // Names one session for ever: a delayed copy of the opening answers that session and opens no other.
    private byte[] _nonce = Guid.NewGuid().ToByteArray();

    /// <summary>The next command, and the session it reports; null if it opens one.</summary>
    public (Command Command, WriteSession? Session) Next()
        => settings.Holder.Current is { Closed: false } open ? (Report(open), open) : (Open(), null);

    /// <summary>Takes a definite answer to the command given last.</summary>
    public SessionStep Take(WriteSession? session, CommandResult result)
    {
        if (session is not null)
        {
            if (result.Code == ResultCode.ResultOk)
            {
                session.Advance(result.Index);
                return SessionStep.Reported;
            }

            session.MarkClosed();
            _nonce = Guid.NewGuid().ToByteArray();
            return SessionStep.Closed;
        }

        if (result.Code != ResultCode.ResultOk)
        {
            // The session of this nonce was opened and is closed by now: asked with it again, the answer would be the same for ever.
            if (result.Code == ResultCode.ResultSessionClosed && !Planted.Has(PlantedBug.NonceKept))
                _nonce = Guid.NewGuid().ToByteArray();
            return SessionStep.Refused;
        }

        settings.Holder.Current = new WriteSession(result.Session, result.Index);
        return SessionStep.Opened;
    }

    private Command Open() => new()
    {
        OpenSession = new OpenSession
        {
            Node = settings.Node,
            Kind = settings.Kind,
            Nonce = ByteString.CopyFrom(_nonce),
            Epoch = settings.Epoch(),
        },
    };

    private Command Report(WriteSession session) => new()
    {
        ReportSession = new ReportSession
        {
            Session = session.Id,
            Low = session.Low,
            Epoch = settings.Epoch(),
            OldestRead = session.OldestRead,
        },
    };
}

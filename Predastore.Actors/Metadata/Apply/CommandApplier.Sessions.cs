using Predastore.Shards;
using System.Buffers.Binary;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Sessions, write ids and kept results (exactly-once retries and the orphan rule rest on these).</content>
internal sealed partial class CommandApplier
{
    /// <summary>Closed sessions kept for each node and kind, with their results, for retries that come late.</summary>
    private const int ClosedSessionsKept = 16;

    private const ulong NoRead = ulong.MaxValue;

    /// <summary>Null if a write of this id may be applied; else the definite refusal.</summary>
    private CommandResult? SessionRefusal(ulong writeId)
    {
        if (Planted.Has(PlantedBug.ClosedSessionApplied)) return null;
        uint id = (uint)(writeId >> 32);
        SessionRow? session = _rows.Session(id);
        if (session is null || session.Closed) return Refuse(ResultCode.ResultSessionClosed, $"session {id} is closed");
        return (uint)writeId < session.Low ? Refuse(ResultCode.ResultBelowLow, $"write ids below {session.Low} are decided") : null;
    }

    private CommandResult Open(OpenSession open)
    {
        List<SessionRow> own = _rows.Sessions().FindAll(s => s.Node == open.Node && s.Kind == open.Kind);

        // A nonce names one session for ever: a delayed copy of this command must not close a newer session.
        if (!open.Nonce.IsEmpty && own.Find(s => s.Nonce == open.Nonce) is { } same)
        {
            return same.Closed
                ? Refuse(ResultCode.ResultSessionClosed, "the session of this nonce is closed: open one with a new nonce")
                : new CommandResult { Session = same.Id };
        }

        foreach (SessionRow older in own) CloseRow(older);
        foreach (SessionRow forgotten in own.SkipLast(ClosedSessionsKept))
        {
            _rows.Delete(KeySchema.Session(forgotten.Id));
            DeleteResults(forgotten.Id, uint.MaxValue, inclusive: true);
        }

        uint id = ++_rows.Counters().LastSession;
        _rows.PutSession(new SessionRow
        {
            Id = id,
            Node = open.Node,
            Kind = open.Kind,
            Nonce = open.Nonce,
            Epoch = open.Epoch,
            OldestRead = _index,
            Opened = _index,
            Reported = _index,
        });
        return new CommandResult { Session = id };
    }

    private CommandResult Report(ReportSession report)
    {
        SessionRow? session = _rows.Session(report.Session);
        if (session is null || session.Closed) return Refuse(ResultCode.ResultSessionClosed, $"session {report.Session} is closed");
        if (report.Low > session.Low)
        {
            DeleteResults(session.Id, report.Low, inclusive: false);
            session.Low = report.Low;
        }

        session.Epoch = Math.Max(session.Epoch, report.Epoch);

        // With no read open, one may have begun since the report was made; it reads at or after the report before this one.
        session.OldestRead = report.OldestRead == NoRead ? session.Reported : report.OldestRead;
        session.Reported = _index;
        session.Renewals++;
        _rows.PutSession(session);
        return new CommandResult { Session = session.Id };
    }

    private CommandResult Close(CloseSession close)
    {
        SessionRow? session = _rows.Session(close.Session);
        if (session is null || session.Closed) return Ok();
        if (session.Renewals != close.ExpectedRenewals) return Refuse(ResultCode.ResultConflict, "the session was renewed meanwhile");
        CloseRow(session);
        return Ok();
    }

    private void CloseRow(SessionRow session)
    {
        if (session.Closed) return;
        session.Closed = true;
        _rows.PutSession(session);
    }

    private void DeleteResults(uint session, uint below, bool inclusive)
    {
        byte[] prefix = KeySchema.Results(session);
        using IKvCursor cursor = _rows.View.Cursor();
        for (cursor.Seek(prefix); cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
        {
            uint counter = BinaryPrimitives.ReadUInt32BigEndian(cursor.Key[5..]);
            if (counter >= below && !inclusive) return;
            _rows.Delete(cursor.Key.ToArray());
        }
    }
}

using Predastore.Actors.Client;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Maintenance;

/// <summary>
/// The leader's counting of sessions: one whose count of renewals stands still for <see cref="SessionReaper.SilenceMax"/> of this
/// leader's own clock is closed. One call at a time.
/// </summary>
internal sealed class SilentSessions(
    IMetadata metadata, Func<bool> isLeader, TimeProvider time, Action<SessionRow, ResultCode> closed)
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(4);

    private readonly Dictionary<uint, (ulong Renewals, long Since)> _seen = [];

    /// <summary>Counts, and closes those that were silent for too long.</summary>
    /// <exception cref="StoreException">The metadata group does not answer.</exception>
    public async Task LookAsync()
    {
        if (!isLeader())
        {
            // What was counted while another led says nothing: a new leader counts a full minute again.
            _seen.Clear();
            return;
        }

        QueryResult cluster = await metadata.QueryAsync(
            new Query { GetCluster = new GetCluster() }, RequestTimeout, CancellationToken.None).ConfigureAwait(false);
        SessionRow[] open = [.. cluster.Sessions.Where(session => !session.Closed)];
        foreach (uint gone in _seen.Keys.Except(open.Select(session => session.Id)).ToArray())
            _seen.Remove(gone);
        foreach (SessionRow session in open)
            await CountAsync(session).ConfigureAwait(false);
    }

    private async Task CountAsync(SessionRow session)
    {
        long now = time.GetTimestamp();
        if (!_seen.TryGetValue(session.Id, out (ulong Renewals, long Since) seen) || seen.Renewals != session.Renewals)
        {
            _seen[session.Id] = (session.Renewals, now);
            return;
        }

        if (time.GetElapsedTime(seen.Since, now) < SessionReaper.SilenceMax)
            return;
        CommandResult result = await metadata.ProposeAsync(
            new Command
            {
                FeatureLevel = Proposer.FeatureLevel,
                CloseSession = new CloseSession { Session = session.Id, ExpectedRenewals = session.Renewals },
            },
            RequestTimeout,
            CancellationToken.None).ConfigureAwait(false);
        closed(session, result.Code);
    }
}

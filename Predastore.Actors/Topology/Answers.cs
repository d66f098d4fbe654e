using Predastore.Actors.Topology.Wire;

namespace Predastore.Actors.Topology;

/// <summary>
/// Which actor systems have answered lately: this node, or a node that answers this one. Tells a member that nobody reaches from one that
/// only some cannot reach. Pure: knows no clock and sends nothing.
/// </summary>
/// <param name="holds">For how long an answer counts.</param>
internal sealed class Answers(TimeSpan holds)
{
    private readonly Dictionary<Incarnation, TimeSpan> _own = [];
    private readonly Dictionary<Incarnation, TimeSpan> _told = [];

    /// <summary>Takes an answer of one system, with those that have answered it.</summary>
    /// <param name="reply">The answer.</param>
    /// <param name="isMember">
    /// True if it is of a member that is up. Whom anybody else hears counts for nothing: two members that are out of each other's reach let
    /// nobody in, so who waits to be let in and hears both would keep them as they are.
    /// </param>
    /// <param name="now">Of a clock that only goes forward.</param>
    public void Take(ProbeReply reply, bool isMember, TimeSpan now)
    {
        Forget(_own, now);
        Forget(_told, now);
        _own[reply.Sender] = now;
        if (!isMember)
            return;
        foreach (Incarnation heard in reply.Heard)
            _told[heard] = now;
    }

    /// <summary>True if a system has answered this node.</summary>
    public bool HasAnswered(Incarnation who, TimeSpan now) => Counts(_own, who, now);

    /// <summary>True if a system has answered this node, or one that has.</summary>
    public bool IsHeard(Incarnation who, TimeSpan now) => HasAnswered(who, now) || Counts(_told, who, now);

    /// <summary>Those that have answered this node.</summary>
    public IEnumerable<Incarnation> All(TimeSpan now) => _own.Keys.Where(who => Counts(_own, who, now));

    private bool Counts(Dictionary<Incarnation, TimeSpan> answers, Incarnation who, TimeSpan now) =>
        answers.TryGetValue(who, out TimeSpan when) && now - when < holds;

    private void Forget(Dictionary<Incarnation, TimeSpan> answers, TimeSpan now)
    {
        foreach (Incarnation old in answers.Keys.Where(who => !Counts(answers, who, now)).ToArray())
            answers.Remove(old);
    }
}

using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Stores;

namespace Predastore.Actors.Tests.Stores;

public sealed class PeerContactSpecs
{
    private readonly FakeTimeProvider _time = new();
    private readonly PeerContact _contact;

    public PeerContactSpecs() => _contact = new PeerContact(_time);

    [Fact]
    public void Node_whose_last_exchange_went_well_should_be_asked_whatever_membership_says()
    {
        _contact.Note(3, answered: true);
        for (int i = 0; i < 100; i++)
            Assert.True(_contact.MayTry(3));
    }

    [Fact]
    public void Node_that_failed_should_be_asked_once_a_second_until_it_answers()
    {
        _contact.Note(3, answered: true);
        _contact.Note(3, answered: false);
        Assert.True(_contact.MayTry(3));
        Assert.False(_contact.MayTry(3));
        _time.Advance(PeerContact.ProbeInterval);
        Assert.True(_contact.MayTry(3));
        Assert.False(_contact.MayTry(3));
        _contact.Note(3, answered: true);
        Assert.True(_contact.MayTry(3));
        Assert.True(_contact.MayTry(3));
    }

    [Fact]
    public void Node_of_which_nothing_is_known_should_be_asked_once_a_second()
    {
        Assert.True(_contact.MayTry(7));
        Assert.False(_contact.MayTry(7));
        Assert.True(_contact.MayTry(8));
    }
}

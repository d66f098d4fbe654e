using Akka.Actor;
using Akka.TestKit.Xunit2;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using Predastore.Actors.Maintenance;
using Predastore.Actors.Metadata;

namespace Predastore.Actors.Tests.Maintenance;

public sealed class SessionReaperSpecs : TestKit
{
    private readonly DirectMetadata _metadata = new();
    private readonly FakeTimeProvider _time = new();
    private readonly IActorRef _reaper;
    private bool _leads = true;
    private int _looks;

    public SessionReaperSpecs()
        : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        _metadata.Apply(Metadata.Bench.Init());
        _reaper = Sys.ActorOf(SessionReaper.Props(_metadata, Leads, _time));

        // Its timer runs once it answers: time that passes before would be lost.
        AwaitAnswer();
    }

    [Fact]
    public void Session_that_is_silent_for_a_minute_should_be_closed_and_a_reporting_one_kept()
    {
        uint silent = Open(1);
        uint alive = Open(2);
        for (int seconds = 0; seconds <= 75; seconds += 5)
        {
            Report(alive);
            Look();
            if (seconds < 60)
                Assert.False(IsClosed(silent));
        }

        Assert.True(IsClosed(silent));
        Assert.False(IsClosed(alive));
    }

    [Fact]
    public void New_leader_should_count_a_full_minute_again()
    {
        uint silent = Open(1);
        for (int i = 0; i < 11; i++)
            Look();
        _leads = false;
        Look();
        _leads = true;
        for (int i = 0; i < 11; i++)
            Look();
        Assert.False(IsClosed(silent));
        Look();
        Look();
        Assert.True(IsClosed(silent));
    }

    [Fact]
    public void Session_that_reports_while_it_is_being_closed_should_stay_open()
    {
        uint late = Open(1);
        _metadata.Before = command =>
        {
            if (command.CloseSession is not null)
                Report(late);
        };
        for (int i = 0; i < 14; i++)
            Look();
        Assert.False(IsClosed(late));
        Assert.Contains(_metadata.Applied, command => command.CloseSession is not null);
    }

    [Fact]
    public void Follower_should_close_nothing()
    {
        uint silent = Open(1);
        _leads = false;
        for (int i = 0; i < 20; i++)
            Look();
        Assert.False(IsClosed(silent));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _metadata.Dispose();
    }

    private bool Leads()
    {
        Interlocked.Increment(ref _looks);
        return _leads;
    }

    // Five seconds pass, and the reaper has looked before this returns: it answers nothing while it looks.
    private void Look()
    {
        int before = _looks;
        _time.Advance(TimeSpan.FromSeconds(5));
        ((Akka.TestKit.TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromSeconds(5));
        AwaitAnswer();
        Assert.True(Volatile.Read(ref _looks) > before);
    }

    private void AwaitAnswer()
    {
        _reaper.Tell(new Identify(null), TestActor);
        ExpectMsg<ActorIdentity>(TimeSpan.FromSeconds(10));
    }

    private uint Open(uint node) => _metadata.Apply(new Command
    {
        OpenSession = new OpenSession { Node = node, Nonce = ByteString.CopyFrom(Guid.NewGuid().ToByteArray()), Epoch = 1 },
    }).Session;

    private void Report(uint session) => _metadata.Apply(new Command { ReportSession = new ReportSession { Session = session } });

    private bool IsClosed(uint session) =>
        _metadata.Ask(new Query { GetCluster = new GetCluster() }).Sessions.Single(row => row.Id == session).Closed;
}

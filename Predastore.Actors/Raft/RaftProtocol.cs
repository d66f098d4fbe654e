using Predastore.Actors.Serialization;

namespace Predastore.Actors.Raft;

/// <summary>Messages of the Raft group on the control plane, and events of its journal.</summary>
public static class RaftProtocol
{
    /// <summary>The manifests.</summary>
    public static readonly WireProtocol Messages = new WireProtocol("raft")
        .Add("message", RaftMessage.Parser)
        .Add("event", JournalEvent.Parser)
        .Add("propose", ProposeRequest.Parser)
        .Add("proposed", ProposeReply.Parser)
        .Add("read", ReadRequest.Parser)
        .Add("read-at", ReadReply.Parser)
        .Add("change", ChangeRequest.Parser)
        .Add("changed", ChangeReply.Parser)
        .Add("group", GroupRequest.Parser)
        .Add("group-is", GroupReply.Parser)
        .Add("ping", ReachPing.Parser)
        .Add("pong", ReachPong.Parser)
        .Add("probe", BootstrapProbe.Parser)
        .Add("answer", BootstrapAnswer.Parser)
        .Add("snapshot-request", SnapshotRequest.Parser);
}

using System.CommandLine;
using System.Globalization;
using Predastore.Http.Admin.Replicas;
using Spectre.Console;

namespace Predastore.Host.Commands.Admin;

/// <summary><c>s3d admin replica</c>: who is in the metadata group.</summary>
internal static class ReplicaCommands
{
    public static Command Create(CommandContext context) => new("replica", "The metadata replicas: who votes, who learns, how far each is.")
    {
        List().Create(context),
        Change("add", "Make the waiting replica of a node a learner: it receives everything and has no vote.").Create(context),
        Change("promote", "Give the learner of a node a vote, once it has caught up.").Create(context),
        Remove().Create(context),
        Replace().Create(context),
    };

    private static AdminVerb<ReplicaListRequest, ReplicaList> List() => new()
    {
        Verb = "list",
        Description = "Show the voters and learners, and replicas that are no part of the group.",
        Action = "replica/list",
        Changes = false,
        RequestForm = ReplicaJson.Default.ReplicaListRequest,
        AnswerForm = ReplicaJson.Default.ReplicaList,
        Read = _ => new ReplicaListRequest(),
        Show = ShowList,
    };

    private static AdminVerb<ReplicaTarget, ReplicaChange> Remove()
    {
        Option<bool> fewer = new("--fewer") { Description = "Accept that the group survives the loss of fewer voters afterwards." };
        return Change("remove", "Take a replica out of the group; the leader hands over first.", fewer);
    }

    private static AdminVerb<ReplicaTarget, ReplicaChange> Replace()
    {
        AdminVerb<ReplicaTarget, ReplicaChange> once = Change(
            "replace", "Put the new replica of a node whose folder was emptied in the place of the old one.");

        // Filling it takes as long as it takes; each request only looks, and carries the change on.
        return once with { IsUnderWay = change => !change.Done };
    }

    private static AdminVerb<ReplicaTarget, ReplicaChange> Change(string verb, string description, Option<bool>? fewer = null)
    {
        Option<uint> node = new("--node") { Description = "The replica's node.", HelpName = "N", Required = true };
        Option<string?> replica = new("--replica") { Description = "Which one, where the node has several: its number in 'replica list'.", HelpName = "HEX" };
        return new AdminVerb<ReplicaTarget, ReplicaChange>
        {
            Verb = verb,
            Description = description,
            Action = "replica/" + verb,
            Changes = true,
            RequestForm = ReplicaJson.Default.ReplicaTarget,
            AnswerForm = ReplicaJson.Default.ReplicaChange,
            Options = fewer is null ? [node, replica] : [node, replica, fewer],
            Read = result => new ReplicaTarget(
                result.GetValue(node), result.GetValue(replica), fewer is not null && result.GetValue(fewer)),
            Show = (console, change) => console.WriteLine(change.Message),
        };
    }

    private static void ShowList(IAnsiConsole console, ReplicaList list)
    {
        string leader = list.Leader is { } node ? $"node {node}" : "none";
        int voters = list.Replicas.Count(replica => replica.Member == "voter");
        console.MarkupLineInterpolated($"leader {leader}, term {list.Term}, {list.Quorum} of {voters} votes decide");
        Table table = Tables.New("Node", "Replica", "Member", "Role", "Behind", "Applied", "Note");
        foreach (Replica replica in list.Replicas)
            Tables.Row(table, replica.Node.ToString(CultureInfo.InvariantCulture), replica.Incarnation, replica.Member, replica.Role,
                Number(replica.Behind), Number(replica.Applied), replica.Note);
        console.Write(table);
    }

    private static string Number(ulong? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? "?";
}

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

using System.CommandLine;
using System.Globalization;
using Predastore.Http.Admin.Storages;
using Spectre.Console;

namespace Predastore.Host.Commands.Admin;

/// <summary><c>s3d admin storage</c>: which disks take part, and scrub on demand.</summary>
internal static class StorageCommands
{
    public static Command Create(CommandContext context) => new("storage", "The storage ids: add, drain, remove, replace, scrub.")
    {
        List().Create(context),
        Change("add", "Put storage ids into the ring; their nodes have started with them.").Create(context),
        Change("drain", "Take storage ids out of the ring; their shards move away.").Create(context),
        Change("remove", "Remove drained storage ids for ever.").Create(context),
        Replace().Create(context),
        Scrub().Create(context),
    };

    private static AdminVerb<StorageListRequest, StorageList> List() => new()
    {
        Verb = "list",
        Description = "Show the ring and every storage id.",
        Action = "storage/list",
        Changes = false,
        RequestForm = StorageJson.Default.StorageListRequest,
        AnswerForm = StorageJson.Default.StorageList,
        Read = _ => new StorageListRequest(),
        Show = ShowList,
    };

    private static AdminVerb<StorageIds, StorageList> Change(string verb, string description)
    {
        Option<uint[]> ids = Ids(required: true);
        return new()
        {
            Verb = verb,
            Description = description,
            Action = "storage/" + verb,
            Changes = true,
            RequestForm = StorageJson.Default.StorageIds,
            AnswerForm = StorageJson.Default.StorageList,
            Options = [ids],
            Read = result => new StorageIds { Ids = result.GetValue(ids) ?? [] },
            Show = ShowList,
        };
    }

    private static AdminVerb<StorageReplacement, StorageList> Replace()
    {
        Option<uint> old = new("--id") { Description = "Storage id that goes.", Required = true };
        Option<uint> by = new("--by") { Description = "Storage id that takes its place.", Required = true };
        return new()
        {
            Verb = "replace",
            Description = "Put one storage id into the place of another, and drain that one.",
            Action = "storage/replace",
            Changes = true,
            RequestForm = StorageJson.Default.StorageReplacement,
            AnswerForm = StorageJson.Default.StorageList,
            Options = [old, by],
            Read = result => new StorageReplacement { Old = result.GetValue(old), By = result.GetValue(by) },
            Show = ShowList,
        };
    }

    private static AdminVerb<StorageIds, StorageIds> Scrub()
    {
        Option<uint[]> ids = Ids(required: false);
        return new()
        {
            Verb = "scrub",
            Description = "Open every fragment now, at full rate; s3d status tells how far it is.",
            Action = "storage/scrub",
            Changes = true,
            RequestForm = StorageJson.Default.StorageIds,
            AnswerForm = StorageJson.Default.StorageIds,
            Options = [ids],
            Read = result => new StorageIds { Ids = result.GetValue(ids) ?? [] },
            Show = (console, begun) => console.MarkupLineInterpolated($"begun on storage ids {string.Join(", ", begun.Ids)}"),
        };
    }

    private static Option<uint[]> Ids(bool required) => new("--id")
    {
        Description = required ? "Storage ids." : "Storage ids; all if there is none.",
        Required = required,
        AllowMultipleArgumentsPerToken = true,
    };

    private static void ShowList(IAnsiConsole console, StorageList list)
    {
        console.MarkupLineInterpolated($"ring epoch {list.Epoch}, {list.Storages.Count(storage => storage.InRing)} storage ids, {list.Shards} shards an object");
        Table table = Tables.New("Storage", "Node", "Ring", "State", "Objects", "Weight", "Zone", "Host");
        foreach (StorageEntry storage in list.Storages)
            Tables.Row(table, Text(storage.Id), Text(storage.Node), storage.InRing ? "in" : "out", storage.State,
                storage.DataRows.ToString("N0", CultureInfo.InvariantCulture), Text(storage.Weight), storage.Zone, storage.Host);
        console.Write(table);
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}

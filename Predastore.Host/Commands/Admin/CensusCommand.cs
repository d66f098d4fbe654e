using System.CommandLine;
using System.Globalization;
using Predastore.Actors.Maintenance;
using Predastore.Http.Admin.Census;
using Spectre.Console;

namespace Predastore.Host.Commands.Admin;

/// <summary><c>s3d admin census</c>: shards on disks against data rows. Exit code 1 unless it is exact.</summary>
internal static class CensusCommand
{
    // It walks every row and every index: hours of a large cluster.
    private static readonly TimeSpan Timeout = TimeSpan.FromHours(12);

    public static Command Create(CommandContext context) => new AdminVerb<CensusRequest, CensusResult>
    {
        Verb = "census",
        Description = "Count the shards on all disks against the data rows: missing, wrong, orphans.",
        Action = "census",
        Changes = false,
        Timeout = Timeout,
        RequestForm = CensusJson.Default.CensusRequest,
        AnswerForm = CensusJson.Default.CensusResult,
        Read = _ => new CensusRequest(),
        Show = Show,
        Exit = census => census.Exact ? ExitCode.Ok : ExitCode.Failed,
    }.Create(context);

    private static void Show(IAnsiConsole console, CensusResult census)
    {
        string verdict = census.Exact ? "exact" : census.Complete ? "complete, with leftovers on disks" : "NOT COMPLETE";
        console.MarkupLineInterpolated(
            $"{verdict}: {census.Rows} rows name {census.Named} shards: {census.Present} there, {census.Missing} missing, {census.Wrong} wrong, {census.Unreachable} unreachable");
        console.MarkupLineInterpolated(
            $"{census.Narrow} rows narrower than the ring, {census.HealBacklog} to heal, {census.GarbageBacklog} garbage rows; took {census.Seconds} s");
        Table table = Tables.New("Storage", "Listed", "Named", "Duplicates", "Undecided", "Garbage", "Orphans", "Error");
        foreach (CensusOfDisk disk in census.Disks)
            Tables.Row(table, disk.Storage.ToString(CultureInfo.InvariantCulture), Number(disk.Listed), Number(disk.Named), Number(disk.Duplicates),
                Number(disk.Undecided), Number(disk.Garbage), Number(disk.Orphans), disk.Error ?? "");
        console.Write(table);
        foreach (string problem in census.Problems)
            console.MarkupLineInterpolated($"[yellow]! {problem}[/]");
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}

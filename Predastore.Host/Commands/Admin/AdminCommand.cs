using System.CommandLine;

namespace Predastore.Host.Commands.Admin;

/// <summary><c>s3d admin AREA VERB</c>: changes a running cluster. One line for each area.</summary>
internal static class AdminCommand
{
    public static Command Create(CommandContext context) => new("admin", "Manage a running cluster.")
    {
        ReplicaCommands.Create(context),
        StorageCommands.Create(context),
        CensusCommand.Create(context),
    };
}

using System.CommandLine;
using System.CommandLine.Parsing;
using Predastore.Host.Commands.Admin;
using Predastore.Host.Config;
using Predastore.Shards.Crypto;

namespace Predastore.Host.Commands;

/// <summary>The commands of <c>s3d</c>. Every failure is one line on stderr and an exit code that is not 0.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, CommandContext context)
    {
        RootCommand root = RunCommand.Create(context);
        root.Subcommands.Add(CertsCommand.Create(context));
        root.Subcommands.Add(KeygenCommand.Create(context));
        root.Subcommands.Add(StatusCommand.Create(context));
        root.Subcommands.Add(AdminCommand.Create(context));
        root.Subcommands.Add(WaitCommand.Create(context));
        root.Subcommands.Add(CheckCommand.Create(context));

        ParseResult result = root.Parse(args);
        if (result.Errors is [ParseError first, ..])
            return Fail(context, ExitCode.Usage, $"{first.Message} (s3d --help lists the flags)");
        return await result.InvokeAsync(new InvocationConfiguration
        {
            Output = context.Out,
            Error = context.Error,
            // Signals and errors are handled here, the same way for every command.
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    /// <summary>Runs a command's work and turns what it throws into one line and an exit code.</summary>
    public static async Task<int> GuardAsync(CommandContext context, Func<Task<ExitCode>> work)
    {
        try
        {
            return (int)await work();
        }
        catch (StartupException e)
        {
            return Fail(context, e.ExitCode, e.Message);
        }
        catch (ClusterFileException e)
        {
            return Fail(context, ExitCode.ClusterFile, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or MasterKeyException)
        {
            return Fail(context, ExitCode.Startup, e.Message);
        }
        catch (Exception e)
        {
            // A bug. The type says where to look; the stack only with the variable, so that the rule of one line holds.
            string detail = context.Environment("S3D_STACK") is null ? $"{e.GetType().Name}: {e.Message}" : e.ToString();
            context.Error.WriteLine($"s3d: internal error: {(context.Environment("S3D_STACK") is null ? OneLine(detail) : detail)}");
            return (int)ExitCode.Failed;
        }
    }

    private static int Fail(CommandContext context, ExitCode code, string message)
    {
        context.Error.WriteLine("s3d: " + OneLine(message));
        return (int)code;
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}

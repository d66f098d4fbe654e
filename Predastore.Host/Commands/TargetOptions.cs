using System.CommandLine;
using Predastore.Host.Admin;
using Predastore.Host.Config;

namespace Predastore.Host.Commands;

/// <summary>The flags that say which cluster is asked, shared by everything that asks one.</summary>
internal sealed class TargetOptions
{
    private readonly Option<string?> _config = new("--config", "-c")
    {
        Description = "The cluster file: its nodes are asked, its credentials sign.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _endpoint = new("--endpoint")
    {
        Description = "Ask this one, like https://127.11.12.1:8443; else $AWS_ENDPOINT_URL, else the file's nodes.",
        HelpName = "URL",
    };

    private readonly Option<string?> _ca = new("--tls-ca", "--ca")
    {
        Description = "The cluster's CA (PEM); else [tls] ca, else $AWS_CA_BUNDLE, else the operating system's.",
        HelpName = "FILE",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_config);
        command.Options.Add(_endpoint);
        command.Options.Add(_ca);
    }

    /// <exception cref="StartupException">Something is missing; one line.</exception>
    public StatusTarget Read(ParseResult result, CommandContext context) => StatusTarget.Resolve(
        result.GetValue(_config) is { } path ? ClusterFile.Load(path) : null,
        result.GetValue(_endpoint), result.GetValue(_ca), context.Environment);
}

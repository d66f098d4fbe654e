using System.CommandLine;
using Microsoft.Extensions.Logging;

namespace Predastore.Host.Commands;

/// <summary>The flags that describe a node, shared by running it and by checking it.</summary>
internal sealed class NodeFlagOptions
{
    public Option<string?> Config { get; } = new("--config", "-c")
    {
        Description = "The cluster file (TOML). Without it and without other flags: a built-in three-node cluster in this process.",
        HelpName = "FILE",
    };

    private readonly Option<uint?> _node = new("--node")
    {
        Description = "Which node of the cluster file this process is. Without it: all of them, on loopback.",
        HelpName = "N",
    };

    private readonly Option<string?> _host = new("--host")
    {
        Description = "Address S3 listens on; overrides [s3] bind and the node's own host.",
        HelpName = "ADDRESS",
    };

    private readonly Option<int?> _port = new("--port")
    {
        Description = "HTTPS port of S3; overrides [s3] port.",
        HelpName = "PORT",
    };

    public Option<string?> BasePath { get; } = new("--base-path")
    {
        Description = "Folder for data: node N uses DIR/node-N.",
        HelpName = "DIR",
    };

    private readonly Option<string?> _tlsKey = new("--tls-key")
    {
        Description = "Private key of the node (PEM); {node} in a TLS path stands for the node number.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _tlsCert = new("--tls-cert") { Description = "Certificate of the node (PEM).", HelpName = "FILE" };

    private readonly Option<string?> _tlsCa = new("--tls-ca") { Description = "The cluster's CA (PEM).", HelpName = "FILE" };

    private readonly Option<string[]> _keys = new("--encryption-key-file")
    {
        Description = $"Master key file: exactly 32 bytes, mode 0600. Repeat to rotate: the first seals, all open. Else ${NodeOptionsResolver.KeyFileVariable}.",
        HelpName = "FILE",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _newReplica = new("--new-replica")
    {
        Description = "The node's metadata replica is lost: its empty folder becomes a new one, which waits for 's3d admin replica replace'.",
    };

    private readonly Option<LogLevel?> _logLevel = new("--log-level")
    {
        Description = "Trace, Debug, Information, Warning or Error.",
        HelpName = "LEVEL",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(Config);
        command.Options.Add(_node);
        command.Options.Add(_host);
        command.Options.Add(_port);
        command.Options.Add(BasePath);
        command.Options.Add(_tlsKey);
        command.Options.Add(_tlsCert);
        command.Options.Add(_tlsCa);
        command.Options.Add(_keys);
        command.Options.Add(_newReplica);
        command.Options.Add(_logLevel);
    }

    public NodeFlags Read(ParseResult result) => new()
    {
        Node = result.GetValue(_node),
        Host = result.GetValue(_host),
        Port = result.GetValue(_port),
        BasePath = result.GetValue(BasePath),
        TlsCa = result.GetValue(_tlsCa),
        TlsCert = result.GetValue(_tlsCert),
        TlsKey = result.GetValue(_tlsKey),
        EncryptionKeyFiles = result.GetValue(_keys) ?? [],
        NewReplica = result.GetValue(_newReplica),
        LogLevel = result.GetValue(_logLevel),
    };
}

using Google.Protobuf;
using Predastore.Actors.Client;
using Predastore.Actors.Metadata;
using Predastore.Actors.Topology;

namespace Predastore.Actors.Nodes;

/// <content>Becoming part of the cluster: its rows, this replica's boot, this node's disks.</content>
public sealed partial class ClusterNode
{
    private static readonly TimeSpan JoinAttempt = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan JoinPause = TimeSpan.FromMilliseconds(200);

    private async Task JoinAsync(CancellationToken cancel)
    {
        Guid clusterId = await JoinReplicaAsync(cancel).ConfigureAwait(false);
        await OpenDisksAsync(clusterId, cancel).ConfigureAwait(false);
        while (_cluster.Current is null)
            await Task.Delay(JoinPause, cancel).ConfigureAwait(false);
    }

    // Every node proposes the first command; the first one applied makes the cluster, the others compare themselves with it.
    private async Task<ClusterRow> InitClusterAsync(Guid clusterId, CancellationToken cancel)
    {
        var ring = new RingRow { Epoch = 1, DataShards = (uint)_settings.DataShards, ParityShards = (uint)_settings.ParityShards };
        ring.Members.AddRange(_settings.RingMembers.Select(member => new Metadata.RingMember
        {
            StorageId = member.StorageId,
            Node = member.Node,
            Host = member.Host,
            Zone = member.Zone,
            Weight = (uint)member.Weight,
        }));
        CommandResult result = await RegisterAsync(
            new Command
            {
                InitCluster = new InitCluster
                {
                    ClusterId = ByteString.CopyFrom(clusterId.ToByteArray(bigEndian: true)),
                    Region = _settings.Region,
                    Ring = ring,
                    FileDigest = ByteString.CopyFrom(_settings.FileDigest),
                    KeyFingerprint = ByteString.CopyFrom(_masters.Current.Fingerprint(clusterId)),
                },
            },
            "this node",
            cancel).ConfigureAwait(false);
        if (result.Message.Length > 0)
            Log.Joining(_log, Node, result.Message);
        return result.Cluster;
    }

    /// <summary>A node without a replica learns the cluster's identity from those that have one.</summary>
    private async Task<Guid> LearnClusterAsync(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                QueryResult answer = await _metadata.QueryAsync(
                    new Query { GetCluster = new GetCluster() }, JoinAttempt, cancel).ConfigureAwait(false);
                if (ClusterView.From(answer) is { } view)
                    return view.ClusterId;
            }
            catch (StoreException)
            {
                // No replica answers yet.
            }

            await Task.Delay(JoinPause, cancel).ConfigureAwait(false);
        }
    }

    private async Task<CommandResult> RegisterAsync(Command command, string what, CancellationToken cancel)
    {
        command.FeatureLevel = Proposer.FeatureLevel;
        command.TimeMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        for (int attempt = 0; ; attempt++)
        {
            // A replica that the group does not listen to, because its folder is an old copy, never applies its own refusal: others know it.
            IMetadata door = attempt % 2 == 0 ? _metadata : _others;
            try
            {
                CommandResult result = await door.ProposeAsync(command, JoinAttempt, cancel).ConfigureAwait(false);
                return result.Code switch
                {
                    ResultCode.ResultOk => result,
                    ResultCode.ResultRefused => throw new NodeRefusedException($"the cluster refuses {what}: {result.Message}"),
                    _ => throw new NodeRefusedException($"the cluster answers {result.Code} for {what}: {result.Message}"),
                };
            }
            catch (StoreException)
            {
                // These commands may be applied twice: asked again until there is an answer.
            }

            await Task.Delay(JoinPause, cancel).ConfigureAwait(false);
        }
    }
}

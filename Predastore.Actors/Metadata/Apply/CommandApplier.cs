using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Actors.Raft;
using Predastore.Shards;

namespace Predastore.Actors.Metadata.Apply;

/// <summary>
/// Applies one command: a pure function of the rows, the command and its log index. No clock, no randomness, no floating point, no
/// enumeration of unordered collections; the only time is the one in the command. Invariants that every command keeps:
/// <list type="bullet">
/// <item>a refused command writes nothing but its kept result;</item>
/// <item>references of a data row = versions and parts that name it; at zero it is garbage, in the same entry;</item>
/// <item>references are added before others are dropped, so that replacing a source by its own copy keeps the bytes;</item>
/// <item>an object hash is named by at most one data row or garbage row.</item>
/// </list>
/// </summary>
internal sealed partial class CommandApplier
{
    /// <summary>Highest feature level this program can apply.</summary>
    public const uint FeatureLevel = 1;

    private readonly MetadataWriter _rows;
    private readonly Command _command;
    private readonly ulong _index;
    private uint _place;

    private CommandApplier(MetadataWriter rows, Command command, ulong index)
    {
        _rows = rows;
        _command = command;
        _index = index;
    }

    private long TimeMs => _command.TimeMs;

    /// <summary>Parses and applies an entry; an empty one does nothing.</summary>
    /// <exception cref="UnknownCommandException">The replica must halt.</exception>
    public static CommandResult Apply(MetadataWriter rows, ReadOnlySpan<byte> entry, ulong index)
    {
        if (entry.IsEmpty) return new CommandResult { Index = index };
        Command command;
        try
        {
            command = Command.Parser.ParseFrom(entry);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Unknown(index, "it is no command: " + e.Message);
        }

        if (command.FeatureLevel > FeatureLevel)
            throw Unknown(index, $"it needs feature level {command.FeatureLevel}, this program has {FeatureLevel}");
        if (command.OpCase == Command.OpOneofCase.None) throw Unknown(index, "its command is unknown here");
        CommandResult result = new CommandApplier(rows, command, index).Run();
        result.Index = index;
        return result;
    }

    private static UnknownCommandException Unknown(ulong index, string reason) =>
        new($"log entry {index} cannot be applied: {reason}; this replica stops, run a newer program on it");

    private static CommandResult Ok() => new();

    private static CommandResult Refuse(ResultCode code, string message = "") => new() { Code = code, Message = message };

    private CommandResult Run()
    {
        if (_command.WriteId == 0) return Dispatch();
        if (_rows.Result(_command.WriteId) is { } kept) return kept;
        if (SessionRefusal(_command.WriteId) is { } refusal) return refusal;
        CommandResult result = Dispatch();
        result.Index = _index;
        if (!Planted.Has(PlantedBug.ResultsForgotten)) _rows.Put(KeySchema.Result(_command.WriteId), result);
        return result;
    }

    private CommandResult Dispatch()
    {
        bool early = _command.OpCase is Command.OpOneofCase.InitCluster or Command.OpOneofCase.RegisterReplica;
        if (!early && _rows.Cluster() is null)
            return Refuse(ResultCode.ResultRefused, "the cluster is not initialised");
        return _command.OpCase switch
        {
            Command.OpOneofCase.InitCluster => Init(_command.InitCluster),
            Command.OpOneofCase.SetRing => Set(_command.SetRing),
            Command.OpOneofCase.RegisterStorage => Register(_command.RegisterStorage),
            Command.OpOneofCase.RegisterReplica => Register(_command.RegisterReplica),
            Command.OpOneofCase.SetStorageState => Set(_command.SetStorageState),
            Command.OpOneofCase.OpenSession => Open(_command.OpenSession),
            Command.OpOneofCase.ReportSession => Report(_command.ReportSession),
            Command.OpOneofCase.CloseSession => Close(_command.CloseSession),
            Command.OpOneofCase.CreateBucket => Create(_command.CreateBucket),
            Command.OpOneofCase.UpdateBucket => Update(_command.UpdateBucket),
            Command.OpOneofCase.DeleteBucket => Delete(_command.DeleteBucket),
            Command.OpOneofCase.PutVersion => Put(_command.PutVersion),
            Command.OpOneofCase.DeleteVersions => Delete(_command.DeleteVersions),
            Command.OpOneofCase.UpdateVersion => Update(_command.UpdateVersion),
            Command.OpOneofCase.CreateUpload => Create(_command.CreateUpload),
            Command.OpOneofCase.PutPart => Put(_command.PutPart),
            Command.OpOneofCase.CompleteUpload => Complete(_command.CompleteUpload),
            Command.OpOneofCase.AbortUpload => Abort(_command.AbortUpload),
            Command.OpOneofCase.PlaceShards => Place(_command.PlaceShards),
            Command.OpOneofCase.ReplaceData => Replace(_command.ReplaceData),
            Command.OpOneofCase.QueueHeal => Queue(_command.QueueHeal),
            Command.OpOneofCase.SettleHeal => Settle(_command.SettleHeal),
            Command.OpOneofCase.CollectGarbage => Collect(_command.CollectGarbage),
            Command.OpOneofCase.ExpandGarbage => Expand(_command.ExpandGarbage),
            Command.OpOneofCase.HealedPartition => Healed(_command.HealedPartition),
            _ => throw Unknown(_index, $"command {_command.OpCase} is unknown here"),
        };
    }

    // The next position of this entry; every version made takes one.
    private Position NextPosition() => new() { Index = _index, Place = _place++ };
}

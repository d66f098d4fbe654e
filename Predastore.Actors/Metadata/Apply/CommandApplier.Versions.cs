using Predastore.Shards;
using System.Text;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Making versions: PutVersion, UpdateVersion and what they share with Complete.</content>
internal sealed partial class CommandApplier
{
    private const int KeyBytesMax = 1024;
    private const int InlineBytesMax = 64 << 10;

    private CommandResult Put(PutVersion put)
    {
        BucketRow? bucket = BucketFor(put.Bucket, put.BucketId);
        if (bucket is null) return Refuse(ResultCode.ResultNoSuchBucket);
        if (put.Version is not { } row || !ValidKey(row.Key)) return Refuse(ResultCode.ResultInvalidArgument, "key");
        VersionRow? newest = _rows.Newest(bucket.Id, row.Key);
        ResultCode condition = Preconditioning.ForWrite(put.Preconditions, newest);
        if (condition != ResultCode.ResultOk && !Planted.Has(PlantedBug.PreconditionsIgnored)) return Refuse(condition);
        if (CheckLock(bucket, row.Retention, row.LegalHold) is { } locked) return locked;

        InlineData? inline = row.Inline;
        row.ClearData();
        row.DeleteMarker = false;
        row.Parts = 0;
        if (put.Source is not null)
        {
            if (CopyFrom(put.Source, bucket, row) is { } lost) return lost;
        }
        else if (put.Data is not null)
        {
            if (CheckNewData(put.Data) is { } wrong) return wrong;
            if (put.Data.Keys.All(k => k.BucketId != bucket.Id))
                return Refuse(ResultCode.ResultInvalidArgument, "the data key is not wrapped for the bucket");
            AddData(put.Data, put.Missing, put.Narrow);
            row.Size = put.Data.Size;
            row.DataId = put.Data.DataId;
        }
        else if (inline is not null)
        {
            if (inline.Sealed.Length > InlineBytesMax) return Refuse(ResultCode.ResultEntityTooLarge, "inline data");
            row.Inline = inline;
            row.Size = inline.Size;
            _rows.Counters().Bytes += inline.Size;
        }
        else if (row.Size != 0)
        {
            return Refuse(ResultCode.ResultInvalidArgument, "a version with bytes needs data");
        }

        AddVersion(bucket, row, newest);
        return new CommandResult { Version = WithoutData(row) };
    }

    private CommandResult Update(UpdateVersion update)
    {
        if (BucketFor(update.Bucket, update.BucketId) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        bool valid = true;
        VersionRow? row = update.VersionId.Length == 0
            ? _rows.Newest(bucket.Id, update.Key)
            : _rows.VersionById(bucket.Id, update.Key, update.VersionId, out valid);
        if (!valid) return Refuse(ResultCode.ResultInvalidArgument, "version id");
        if (row is null)
            return Refuse(update.VersionId.Length == 0 ? ResultCode.ResultNoSuchKey : ResultCode.ResultNoSuchVersion);
        if (row.DeleteMarker) return Refuse(ResultCode.ResultMethodNotAllowed);
        if (update.Position is not null && !update.Position.Equals(row.Position))
            return Refuse(ResultCode.ResultConflict, "the version is another one by now");
        if (update.SetRetention is { } wanted)
        {
            Retention? next = wanted.Mode == LockMode.LockNone ? null : wanted;
            if (CheckLock(bucket, wanted, false) is { } wrong) return wrong;
            if (!ObjectLocking.MayChange(row.Retention, next, TimeMs, update.BypassGovernance))
                return Refuse(ResultCode.ResultObjectLocked, "the retention may only be extended");
            row.Retention = next;
        }

        if (update.HasLegalHold)
        {
            if (!bucket.ObjectLock) return NoLock();
            row.LegalHold = update.LegalHold;
            row.LegalHoldKnown = true;
        }

        if (update.SetTags) Assign(row.Tags, update.Tags);
        if (update.HasAcl || update.Grants is not null)
        {
            row.Attributes ??= new Attributes();
            (row.Attributes.Acl, row.Attributes.Grants) = (update.HasAcl ? update.Acl : "", update.Grants);
        }

        _rows.PutVersion(row);
        return new CommandResult { Version = WithoutData(row) };
    }

    private BucketRow? BucketFor(string name, ulong id) =>
        _rows.Bucket(name) is { } row && (id == 0 || row.Id == id) ? row : null;

    private static bool ValidKey(string key) => key.Length > 0 && Encoding.UTF8.GetByteCount(key) <= KeyBytesMax;

    private static CommandResult NoLock() =>
        Refuse(ResultCode.ResultInvalidRequest, "Bucket is missing Object Lock Configuration");

    private CommandResult? CheckLock(BucketRow bucket, Retention? retention, bool legalHold)
    {
        if (!legalHold && retention is null) return null;
        if (!bucket.ObjectLock) return NoLock();
        return retention is { Mode: not LockMode.LockNone } && retention.UntilMs <= TimeMs
            ? Refuse(ResultCode.ResultInvalidArgument, "The retain until date must be in the future!")
            : null;
    }

    /// <summary>
    /// Stores a version whose data is referenced already: position, null flag, times and default retention by the bucket's state. The
    /// null version that it replaces loses its data afterwards.
    /// </summary>
    private void AddVersion(BucketRow bucket, VersionRow row, VersionRow? newest)
    {
        row.BucketId = bucket.Id;
        row.Position = NextPosition();
        row.IsNull = bucket.Versioning != Versioning.Enabled;
        row.ModifiedMs = Planted.Has(PlantedBug.ModifiedGoesBack) ? TimeMs : Math.Max(TimeMs, newest?.ModifiedMs ?? 0);
        if (row.Retention is { Mode: LockMode.LockNone }) row.Retention = null;
        if (!row.DeleteMarker) row.Retention ??= ObjectLocking.Default(bucket, row.ModifiedMs);
        if (row.IsNull && _rows.NullVersion(bucket.Id, row.Key) is { } replaced) RemoveVersion(replaced);
        _rows.PutVersion(row);
        _rows.Counters().Versions++;
    }

    private void RemoveVersion(VersionRow row)
    {
        _rows.DeleteVersion(row);
        _rows.Counters().Versions--;
        switch (row.DataCase)
        {
            case VersionRow.DataOneofCase.DataId:
                Dereference(row.DataId);
                break;
            case VersionRow.DataOneofCase.UploadId:
                DereferenceUpload(row.UploadId);
                break;
            case VersionRow.DataOneofCase.Inline:
                _rows.Counters().Bytes -= row.Inline.Size;
                break;
            default:
                break;
        }
    }

    private static VersionRow WithoutData(VersionRow row)
    {
        VersionRow copy = row.Clone();
        copy.ClearData();
        return copy;
    }
}

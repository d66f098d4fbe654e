namespace Predastore.Actors.Metadata.Apply;

/// <content>Deleting versions and making delete markers. Deleting what is not there succeeds, as S3 has it.</content>
internal sealed partial class CommandApplier
{
    private CommandResult Delete(DeleteVersions delete)
    {
        if (BucketFor(delete.Bucket, delete.BucketId) is not { } bucket) return Refuse(ResultCode.ResultNoSuchBucket);
        CommandResult result = Ok();
        foreach (DeleteItem item in delete.Items)
        {
            DeleteResult outcome = item.VersionId.Length == 0
                ? DeleteCurrent(bucket, delete, item)
                : DeleteVersion(bucket, delete, item);
            outcome.Key = item.Key;
            result.Deletes.Add(outcome);
        }

        return result;
    }

    private DeleteResult DeleteCurrent(BucketRow bucket, DeleteVersions delete, DeleteItem item)
    {
        if (!ValidKey(item.Key)) return new DeleteResult { Code = ResultCode.ResultInvalidArgument };
        VersionRow? newest = _rows.Newest(bucket.Id, item.Key);
        if (newest is null && Preconditioning.NamesExisting(item.Preconditions)) return new DeleteResult();
        if (newest is not null && Preconditioning.ForDelete(item.Preconditions, newest) is var code and not ResultCode.ResultOk)
            return new DeleteResult { Code = code };
        if (bucket.Versioning == Versioning.Off)
        {
            if (newest is null) return new DeleteResult();
            if (ObjectLocking.Holds(newest, TimeMs, delete.BypassGovernance))
                return new DeleteResult { Code = ResultCode.ResultObjectLocked };
            RemoveVersion(newest);
            return new DeleteResult();
        }

        var marker = new VersionRow { Key = item.Key, DeleteMarker = true, Owner = delete.Owner };
        AddVersion(bucket, marker, newest);
        return new DeleteResult { DeleteMarker = true, MarkerVersionId = VersionId.Format(marker) };
    }

    private DeleteResult DeleteVersion(BucketRow bucket, DeleteVersions delete, DeleteItem item)
    {
        VersionRow? row = _rows.VersionById(bucket.Id, item.Key, item.VersionId, out bool valid);
        if (!valid) return new DeleteResult { Code = ResultCode.ResultInvalidArgument, VersionId = item.VersionId };
        if (row is null) return new DeleteResult { VersionId = item.VersionId };
        ResultCode condition = Preconditioning.ForDelete(item.Preconditions, row);
        if (condition == ResultCode.ResultOk && ObjectLocking.Holds(row, TimeMs, delete.BypassGovernance))
            condition = ResultCode.ResultObjectLocked;
        if (condition != ResultCode.ResultOk) return new DeleteResult { Code = condition, VersionId = item.VersionId };
        RemoveVersion(row);
        return new DeleteResult
        {
            VersionId = item.VersionId,
            DeleteMarker = row.DeleteMarker,
            MarkerVersionId = row.DeleteMarker ? item.VersionId : "",
        };
    }
}

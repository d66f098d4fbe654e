using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Buckets and their settings.</content>
internal sealed partial class CommandApplier
{
    private const int BucketNameBytesMax = 255;

    private CommandResult Create(CreateBucket create)
    {
        if (create.Name.Length is 0 or > BucketNameBytesMax) return Refuse(ResultCode.ResultInvalidArgument, "bucket name");
        if (_rows.Bucket(create.Name) is { } stands)
        {
            CommandResult exists = Refuse(
                stands.Owner == create.Owner ? ResultCode.ResultBucketOwnedByYou : ResultCode.ResultBucketExists);
            exists.Bucket = stands;
            return exists;
        }

        var row = new BucketRow
        {
            Name = create.Name,
            Id = _index,
            Owner = create.Owner,
            CreatedMs = TimeMs,
            Region = create.Region,
            Acl = create.Acl,
            Grants = create.Grants,
            ObjectLock = create.ObjectLock,
            Versioning = create.ObjectLock ? Versioning.Enabled : Versioning.Off,
            Generation = 1,
        };
        if (create.Key is not null) row.Keys.Add(create.Key);
        _rows.PutBucket(row);
        _rows.Counters().Buckets++;
        return new CommandResult { Bucket = row };
    }

    private CommandResult Update(UpdateBucket update)
    {
        BucketRow? row = BucketFor(update.Name, update.BucketId);
        if (row is null) return Refuse(ResultCode.ResultNoSuchBucket);
        Versioning versioning = update.HasVersioning ? update.Versioning : row.Versioning;
        bool objectLock = update.HasObjectLock ? update.ObjectLock : row.ObjectLock;
        if (versioning == Versioning.Off && row.Versioning != Versioning.Off)
            return Refuse(ResultCode.ResultInvalidArgument, "versioning can be suspended, not switched off");
        if (row.ObjectLock && !objectLock) return Refuse(ResultCode.ResultInvalidState, "object lock cannot be switched off");
        if (objectLock && versioning != Versioning.Enabled)
            return Refuse(ResultCode.ResultInvalidState, "object lock needs versioning to be enabled");
        bool retains = update.SetDefaultRetention && update.DefaultRetention is { Mode: not LockMode.LockNone };
        if (retains && !objectLock) return Refuse(ResultCode.ResultInvalidState, "a default retention needs object lock");
        if (retains && (update.DefaultRetention.Days == 0) == (update.DefaultRetention.Years == 0))
            return Refuse(ResultCode.ResultInvalidArgument, "a default retention has days or years");

        row.Versioning = versioning;
        row.ObjectLock = objectLock;
        if (update.HasAcl) (row.Acl, row.Grants) = (update.Acl, null);
        if (update.Grants is not null) (row.Acl, row.Grants) = ("", update.Grants);
        if (update.SetTags) Assign(row.Tags, update.Tags);
        if (update.SetDefaultRetention) row.DefaultRetention = retains ? update.DefaultRetention : null;
        if (update.AddKey is not null) row.Keys.Add(update.AddKey);
        SetDocuments(row, update);
        row.Generation++;
        _rows.PutBucket(row);
        return new CommandResult { Bucket = row };
    }

    // Written in ordinal order: the bytes of a row must not depend on the order in which a map was filled.
    private static void SetDocuments(BucketRow row, UpdateBucket update)
    {
        var documents = new SortedDictionary<string, ByteString>(StringComparer.Ordinal);
        foreach (KeyValuePair<string, ByteString> old in row.Documents) documents[old.Key] = old.Value;
        foreach (string name in update.DeleteDocuments) documents.Remove(name);
        foreach (KeyValuePair<string, ByteString> put in update.PutDocuments) documents[put.Key] = put.Value;
        row.Documents.Clear();
        foreach (KeyValuePair<string, ByteString> document in documents) row.Documents.Add(document.Key, document.Value);
    }

    private CommandResult Delete(DeleteBucket delete)
    {
        BucketRow? row = BucketFor(delete.Name, delete.BucketId);
        if (row is null) return Refuse(ResultCode.ResultNoSuchBucket);
        byte[] versions = KeySchema.Versions(row.Id);
        using (IKvCursor cursor = _rows.View.Cursor())
        {
            cursor.Seek(versions);
            if (cursor.Valid && cursor.Key.StartsWith(versions)) return Refuse(ResultCode.ResultBucketNotEmpty);
        }

        // As S3 does: open uploads do not keep a bucket alive, they end with it.
        byte[] uploads = KeySchema.OpenUploads(row.Id);
        using (IKvCursor cursor = _rows.View.Cursor())
        {
            for (cursor.Seek(uploads); cursor.Valid && cursor.Key.StartsWith(uploads); cursor.Next())
            {
                UploadRow upload = _rows.Upload(ByteString.CopyFrom(KeySchema.UploadIdOfOpenUpload(cursor.Key)))!;
                AbandonUpload(upload);
            }
        }

        _rows.DeleteBucket(row);
        _rows.Counters().Buckets--;
        return new CommandResult { Bucket = row };
    }

    private static void Assign<T>(Google.Protobuf.Collections.RepeatedField<T> target, IEnumerable<T> source)
    {
        target.Clear();
        target.AddRange(source);
    }
}

using Google.Protobuf;
using Predastore.Actors.Metadata.Storage;
using Predastore.Shards.Disk;

namespace Predastore.Actors.Metadata.Apply;

/// <content>Garbage: what lost its last reference, until its shards are deleted.</content>
internal sealed partial class CommandApplier
{
    private const int ExpandDefault = 64;
    private const int ExpandMax = 1000;

    private CommandResult Collect(CollectGarbage collect)
    {
        foreach (GarbageKey key in collect.Rows)
        {
            if (_rows.Garbage(key.Index, key.Id) is not { } row) continue;

            // An upload's row leads to its parts: it goes only when they are gone.
            if (row.WhatCase == GarbageRow.WhatOneofCase.UploadId && HasParts(row.UploadId)) continue;
            _rows.DeleteGarbage(row);
        }

        return Ok();
    }

    private CommandResult Expand(ExpandGarbage expand)
    {
        if (expand.Row is not { } key || _rows.Garbage(key.Index, key.Id) is not { WhatCase: GarbageRow.WhatOneofCase.UploadId } row)
            return Refuse(ResultCode.ResultNotFound);

        // A reader that opened the object earlier still pages through the part rows.
        if (_rows.OldestRead() <= row.Index)
            return Refuse(ResultCode.ResultConflict, "a session may still be reading this upload");
        int limit = expand.Limit == 0 ? ExpandDefault : (int)Math.Min(expand.Limit, ExpandMax);
        List<PartRow> parts = [];
        byte[] prefix = KeySchema.Parts(row.UploadId.Span);
        using (IKvCursor cursor = _rows.View.Cursor())
        {
            for (cursor.Seek(prefix); parts.Count < limit && cursor.Valid && cursor.Key.StartsWith(prefix); cursor.Next())
                parts.Add(PartRow.Parser.ParseFrom(cursor.Value));
        }

        foreach (PartRow part in parts)
        {
            _rows.Delete(KeySchema.PartOf(part.UploadId.Span, part.Number));
            _rows.Delete(KeySchema.PartAt(part.UploadId.Span, part.Offset, part.Number));
            DropPartData(part);
        }

        if (!HasParts(row.UploadId)) _rows.DeleteGarbage(row);
        return Ok();
    }
}

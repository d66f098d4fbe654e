namespace Predastore.Testing.Disk;

/// <summary>Which member of a disk is called.</summary>
public enum DiskCallKind
{
    Open,
    Read,
    Write,
    Allocate,
    PunchHole,
    SetLength,
    Sync,
    CreateDirectory,
    Delete,
    Rename,
    List,
    SyncDirectory,
}

/// <summary>One call, before it is done.</summary>
/// <param name="Kind">Member.</param>
/// <param name="Path">File or directory.</param>
/// <param name="Index">Calls before it on this disk.</param>
public readonly record struct DiskCall(DiskCallKind Kind, string Path, long Index);

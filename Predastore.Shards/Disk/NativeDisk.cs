using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Predastore.Shards.Disk;

/// <summary>The calls that .NET has no name for: fdatasync, fsync of a directory, fallocate, hole punching.</summary>
internal static partial class NativeDisk
{
    // errno values, equal on Linux x64 and arm64 (asm-generic/errno-base.h, errno.h).
    private const int Eintr = 4;
    private const int Enospc = 28;
    private const int Enosys = 38;
    private const int Eopnotsupp = 95;
    private const int Edquot = 122;
    private const int HresultDiskFull = unchecked((int)0x80070070);

    // linux/falloc.h
    private const int FallocKeepSize = 1;
    private const int FallocPunchHole = 2;

    // fcntl.h
    private const int OpenReadOnly = 0;
    private const int OpenCloseOnExecLinux = 0x80000;
    private const int OpenCloseOnExecMac = 0x1000000;

    public static bool IsFull(IOException e) => e.HResult is Enospc or Edquot or HresultDiskFull;

    public static void SyncData(SafeFileHandle handle, string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(handle);
            return;
        }
        while (FDataSync(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Eintr)
                throw Error("fdatasync", path, error);
        }
    }

    public static void SyncDirectory(string path)
    {
        // Windows has no fsync of a directory; NTFS journals names itself.
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(path, OpenReadOnly | (OperatingSystem.IsMacOS() ? OpenCloseOnExecMac : OpenCloseOnExecLinux));
        if (descriptor < 0)
            throw Error("open", path, Marshal.GetLastPInvokeError());
        try
        {
            while (FSync(descriptor) != 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error != Eintr)
                    throw Error("fsync", path, error);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>False where the platform or the file system has no such call.</summary>
    public static bool TryAllocate(SafeFileHandle handle, string path, long offset, long length) =>
        TryFallocate(handle, path, 0, offset, length);

    /// <summary>False where the platform or the file system has no such call.</summary>
    public static bool TryPunchHole(SafeFileHandle handle, string path, long offset, long length) =>
        TryFallocate(handle, path, FallocKeepSize | FallocPunchHole, offset, length);

    private static bool TryFallocate(SafeFileHandle handle, string path, int mode, long offset, long length)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        while (FAllocate(handle, mode, offset, length) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error is Enosys or Eopnotsupp)
                return false;
            if (error != Eintr)
                throw Error("fallocate", path, error);
        }
        return true;
    }

    private static IOException Error(string call, string path, int error)
    {
        var message = $"{call} of {path}: {Marshal.GetPInvokeErrorMessage(error)}";
        return error is Enospc or Edquot ? new DiskFullException(message) : new IOException(message, error);
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long length);
}

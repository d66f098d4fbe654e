using System.Runtime.Versioning;
using Predastore.Shards.Disk;
using Predastore.Testing.Disk;
using Xunit;

namespace Predastore.Shards.Tests.Disk;

public sealed class FileDiskSpecs : DiskConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    protected override IDisk Disk { get; } = new FileDisk();

    protected override string Root => _folder.Path;

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void Full_device_should_be_told_apart()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "/dev/full is of Linux");
        using var full = Disk.Open("/dev/full", DiskOpenMode.Existing);
        Assert.Throws<DiskFullException>(() => full.Write(0, [1]));
    }

    [SkippableFact]
    [UnsupportedOSPlatform("windows")]
    public void New_directory_should_be_closed_to_others()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "tried on Linux only");
        var path = Path.Combine(Root, "a");
        Disk.CreateDirectory(path);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
    }

    [SkippableFact]
    public void Failed_sync_should_never_be_tried_again()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "needs a device that refuses fdatasync");
        // fdatasync of a character device is EINVAL: an error like any other here.
        using var device = Disk.Open("/dev/full", DiskOpenMode.Existing);
        var first = Assert.ThrowsAny<IOException>(device.Sync);
        var second = Assert.ThrowsAny<IOException>(device.Sync);
        Assert.Contains("earlier sync failed", second.Message);
        Assert.DoesNotContain("earlier sync failed", first.Message);
    }
}

using Predastore.Shards.Crypto;
using Xunit;

namespace Predastore.Shards.Tests.Crypto;

public sealed class MasterKeyFileSpecs : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _folder = Directory.CreateTempSubdirectory("predastore-key-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, int length, UnixFileMode mode = Private)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, new byte[length]);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
        return path;
    }

    private static string Refused(string path)
    {
        string message = Assert.Throws<MasterKeyException>(() => MasterKeyFile.Read(path)).Message;
        Assert.DoesNotContain('\n', message);
        Assert.Contains(path, message, StringComparison.Ordinal);
        return message;
    }

    [Fact]
    public void Created_key_should_be_readable_and_private_and_random()
    {
        string a = Path.Combine(_folder, "a"), b = Path.Combine(_folder, "b");
        MasterKeyFile.Create(a);
        MasterKeyFile.Create(b);
        using MasterKey first = MasterKeyFile.Read(a), again = MasterKeyFile.Read(a), second = MasterKeyFile.Read(b);
        Assert.Equal(first.Fingerprint(Guid.Empty), again.Fingerprint(Guid.Empty));
        Assert.NotEqual(first.Fingerprint(Guid.Empty), second.Fingerprint(Guid.Empty));
        if (!OperatingSystem.IsWindows()) Assert.Equal(Private, File.GetUnixFileMode(a));
        Assert.Throws<MasterKeyException>(() => MasterKeyFile.Create(a));
    }

    [Theory]
    [InlineData(0), InlineData(31), InlineData(33), InlineData(64)]
    public void Wrong_length_should_be_refused(int length) =>
        Assert.Contains($"has {length} bytes", Refused(Write("key", length)), StringComparison.Ordinal);

    [SkippableTheory]
    [InlineData(UnixFileMode.GroupRead), InlineData(UnixFileMode.OtherRead), InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite), InlineData(UnixFileMode.GroupExecute), InlineData(UnixFileMode.OtherExecute)]
    public void Modes_open_to_others_should_be_refused(UnixFileMode extra)
    {
        Skip.If(OperatingSystem.IsWindows(), "no file modes");
        Assert.Contains("chmod 600", Refused(Write("key", 32, Private | extra)), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Mode_should_be_named_in_octal()
    {
        Skip.If(OperatingSystem.IsWindows(), "no file modes");
        string path = Write("key", 32, Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        Assert.Contains("0644", Refused(path), StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Read_only_key_should_be_accepted()
    {
        Skip.If(OperatingSystem.IsWindows(), "no file modes");
        MasterKeyFile.Read(Write("key", 32, UnixFileMode.UserRead)).Dispose();
    }

    [SkippableFact]
    public void Links_should_be_judged_by_their_target()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need a privilege");
        string link = Path.Combine(_folder, "link");
        string target = Write("key", 32);
        File.CreateSymbolicLink(link, target);
        MasterKeyFile.Read(link).Dispose();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(target, Private | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", Refused(link), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_file_directory_and_device_should_be_refused()
    {
        Assert.Contains("does not exist", Refused(Path.Combine(_folder, "none")), StringComparison.Ordinal);
        Assert.Contains("is a directory", Refused(_folder), StringComparison.Ordinal);
        if (File.Exists("/dev/zero")) Assert.Contains("regular file", Refused("/dev/zero"), StringComparison.Ordinal);
        Assert.Throws<MasterKeyException>(() => MasterKeyFile.Read(" "));
    }

    [Fact]
    public void Load_should_take_the_first_as_current()
    {
        string a = Path.Combine(_folder, "a"), b = Path.Combine(_folder, "b");
        MasterKeyFile.Create(a);
        MasterKeyFile.Create(b);
        using MasterKeys keys = MasterKeys.Load(a, b);
        using MasterKey first = MasterKeyFile.Read(a);
        Assert.Equal(first.Fingerprint(Guid.Empty), keys.Current.Fingerprint(Guid.Empty));
        Assert.Throws<MasterKeyException>(() => MasterKeys.Load(a, a));
        Assert.Throws<MasterKeyException>(() => MasterKeys.Load(a, Path.Combine(_folder, "none")));
    }
}

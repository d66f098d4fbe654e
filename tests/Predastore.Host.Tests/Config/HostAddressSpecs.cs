using Predastore.Host.Config;
using Xunit;

namespace Predastore.Host.Tests.Config;

public class HostAddressSpecs
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.255.3.4", true)]
    [InlineData("::1", true)]
    [InlineData("LocalHost", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("128.0.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("localhost.example.com", false)]
    [InlineData("127.example.com", false)]
    public void Loopback_should_be_told_without_dns(string host, bool loopback) => Assert.Equal(loopback, HostAddress.IsLoopback(host));

    [Theory]
    [InlineData("0.0.0.0", true)]
    [InlineData("::", true)]
    [InlineData("0::0", true)]
    [InlineData("0", true)]
    [InlineData("*", true)]
    [InlineData("::ffff:0.0.0.0", true)]
    [InlineData("10.0.0.0", false)]
    [InlineData("node-1", false)]
    public void Wildcard_should_be_told_in_every_spelling(string host, bool wildcard) => Assert.Equal(wildcard, HostAddress.IsWildcard(host));

    [Theory]
    [InlineData("s3.example.com", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("fe80::1", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("a:80", false)]
    [InlineData("[::1]", false)]
    [InlineData("http://a", false)]
    [InlineData("-a", false)]
    [InlineData("a..b", false)]
    public void Host_should_be_an_address_or_a_name(string host, bool valid) => Assert.Equal(valid, HostAddress.IsValid(host));
}

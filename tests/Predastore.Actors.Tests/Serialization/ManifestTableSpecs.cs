using Google.Protobuf.WellKnownTypes;
using Predastore.Actors.Serialization;
using Xunit;

namespace Predastore.Actors.Tests.Serialization;

public sealed class ManifestTableSpecs
{
    [Fact]
    public void Protocol_should_refuse_a_manifest_twice() =>
        Assert.Throws<ArgumentException>(() => new WireProtocol("p").Add("a", StringValue.Parser).Add("a", BoolValue.Parser));

    [Fact]
    public void Protocol_should_refuse_a_type_twice() =>
        Assert.Throws<ArgumentException>(() => new WireProtocol("p").Add("a", StringValue.Parser).Add("b", StringValue.Parser));

    [Theory]
    [InlineData("")]
    [InlineData("Upper")]
    [InlineData("a/b")]
    [InlineData("a b")]
    public void Protocol_should_refuse_an_unclear_name(string name) =>
        Assert.Throws<ArgumentException>(() => new WireProtocol(name));

    [Fact]
    public void Protocol_should_refuse_a_record_that_can_be_subclassed() =>
        Assert.Throws<ArgumentException>(() => new WireProtocol("p").Add<Open, Empty>("o", Empty.Parser, _ => new Empty(), _ => new Open()));

    [Fact]
    public void Table_should_refuse_a_type_in_two_protocols()
    {
        var e = Assert.Throws<ArgumentException>(() => new ManifestTable(
            [new WireProtocol("p").Add("a", StringValue.Parser), new WireProtocol("q").Add("b", StringValue.Parser)]));

        Assert.Contains("p/a and q/b", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_should_refuse_two_protocols_of_one_name() =>
        Assert.Throws<ArgumentException>(() => new ManifestTable([new WireProtocol("p"), new WireProtocol("p")]));

    [Fact]
    public void Table_should_list_what_is_registered()
    {
        var table = new ManifestTable([new WireProtocol("q").Add("b", BoolValue.Parser), new WireProtocol("p").Add("a", StringValue.Parser)]);

        Assert.Equal(["p/a", "q/b"], table.Manifests);
        Assert.Equal(2, table.Types.Count);
    }

    private record Open : IWireMessage;
}

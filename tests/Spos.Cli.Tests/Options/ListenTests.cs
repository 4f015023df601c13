using Spos.Cli.Options;

namespace Spos.Cli.Tests.Options;

public sealed class ListenTests
{
    [Theory]
    [InlineData("127.0.0.1:6780", "127.0.0.1:6780")]
    [InlineData("localhost:0", "127.0.0.1:0")]
    [InlineData("0.0.0.0:65535", "0.0.0.0:65535")]
    [InlineData("[::1]:80", "[::1]:80")]
    [InlineData("[::]:1", "[::]:1")]
    public void Addresses_with_a_port_are_read(string text, string read) => Assert.Equal(read, ListenAttribute.EndPointOf(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("6780")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:")]
    [InlineData("127.0.0.1:-1")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.0.0.1: 80")]
    [InlineData("127.0.0.1:80 ")]
    [InlineData(":80")]
    [InlineData("::1:80")]
    [InlineData("[::1]")]
    [InlineData("[127.0.0.1]:80")]
    [InlineData("127.1:80")]
    [InlineData("256.0.0.1:80")]
    [InlineData("board.example:80")]
    [InlineData("LOCALHOST:80")]
    [InlineData("http://127.0.0.1:80")]
    public void Anything_else_is_refused(string text) => Assert.Throws<FormatException>(() => ListenAttribute.EndPointOf(text));
}

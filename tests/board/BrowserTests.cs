namespace Spos.Board.Browser;

/// <summary>The tests share a browser, and go one after the other, for some measure time.</summary>
[CollectionDefinition(Name)]
public sealed class BrowserTests : ICollectionFixture<Chromium>
{
    public const string Name = "browser";
}

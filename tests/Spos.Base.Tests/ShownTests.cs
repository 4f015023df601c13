namespace Spos.Base.Tests;

public sealed class ShownTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("two\nlines\r", "two lines ")]
    [InlineData("\u001b[31mred\u0007", @"\u001b[31mred\u0007")]
    [InlineData("\u202egpj.exe", @"\u202egpj.exe")]
    [InlineData("a\u2028b\u2029c\u0085", @"a\u2028b\u2029c\u0085")]
    // A tag, which is seen nowhere, outside of the first plane.
    [InlineData("a\U000E0041", @"a\U000e0041")]
    [InlineData("👩\u200d🔬 نامه\u200cای", "👩\u200d🔬 نامه\u200cای")]
    public void What_acts_on_a_terminal_is_written_out(string text, string shown)
    {
        Assert.Equal(shown, Shown.Line(text));
        Assert.Equal(shown, Shown.Value(text));
    }

    [Fact]
    public void Values_are_short_and_visible()
    {
        Assert.Equal("''", Shown.Value(""));
        Assert.Equal("'   '", Shown.Value("   "));
        Assert.Equal(new string('a', 100), Shown.Value(new string('a', 100)));
        Assert.Equal($"{new string('a', 100)}…", Shown.Value(new string('a', 101)));
        Assert.True(Shown.Value(new string(' ', 5000)).Length < 200);
    }

    [Fact]
    public void Excerpts_cut_no_character_in_two()
    {
        Assert.Equal("abc", Shown.Excerpt("abc", 3));
        Assert.Equal("ab…", Shown.Excerpt("abc", 2));
        Assert.Equal("a…", Shown.Excerpt("a😀b", 2));
        Assert.Equal("a😀…", Shown.Excerpt("a😀b", 3));
    }

    [Fact]
    public void Of_many_names_the_first_are_told_and_the_others_counted()
    {
        Assert.Equal("a, b", Shown.Few(["a", "b"], 2));
        Assert.Equal("a, b and 2 more", Shown.Few(["a", "b", "c", "d"], 2));
    }

    [Fact]
    public void Control_characters_are_found_but_those_that_are_allowed()
    {
        Assert.False(Shown.HasControls("a b\u202e"));
        Assert.True(Shown.HasControls("a\tb"));
        Assert.False(Shown.HasControls("a\tb\n", besides: "\t\n"));
        Assert.True(Shown.HasControls("a\tb\u001b", besides: "\t\n"));
    }
}

using System.Reflection;
using System.Text.RegularExpressions;
using Spos.Cli.Options;
using Spos.Engine.Tests;

namespace Spos.Cli.Tests;

/// <summary>A verb is one file, which no other verb needs.</summary>
public sealed class VerbTests
{
    [Fact]
    public void Verbs_are_found_by_their_attribute_and_each_has_a_place()
    {
        int[] places = [.. Program.Verbs.Select(verb => verb.GetCustomAttribute<PlaceAttribute>()?.Place).OfType<int>()];
        Assert.Equal(Enumerable.Range(1, places.Length), places);
        Assert.Equal(["quickstart", "supernet", "search", "scratch"], Program.Verbs.Take(4).Select(DeclaredOption.NameOf));
    }

    [Fact]
    public void Verbs_use_nothing_of_each_other()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Checkout.Root, "src/Spos.Cli/Verbs")))
        {
            string text = File.ReadAllText(file), own = Path.GetFileNameWithoutExtension(file);
            IEnumerable<Type> others = Program.Verbs.Where(verb => verb.Name != own && Regex.IsMatch(text, $@"\b{verb.Name}\b"));
            Assert.Empty(others.Select(verb => $"{own} uses {verb.Name}"));
        }
    }
}

namespace Spos.Engine.Tests.Layers;

/// <summary>Lines of C# are short enough to be read side by side with others.</summary>
public sealed class LineLengthTests
{
    private const int Most = 140;

    private static readonly string[] Folders = ["src", "tests", "tools", "benchmarks", "samples"];

    [Fact]
    public void No_line_of_C_sharp_is_longer_than_140_characters()
    {
        string[] files = [.. Folders.Select(folder => Path.Combine(Checkout.Root, folder)).Where(Directory.Exists).SelectMany(SourcesIn)];
        // Of a checkout that was not found there would be none.
        Assert.Contains(files, file => Path.GetFileName(file) == $"{nameof(LineLengthTests)}.cs");
        string[] tooLong =
        [
            .. from file in files
               from line in File.ReadLines(file).Index()
               where line.Item.Length > Most
               select $"{Path.GetRelativePath(Checkout.Root, file)}:{line.Index + 1}: {line.Item.Length} characters",
        ];
        Assert.True(tooLong.Length == 0, $"Lines of more than {Most} characters:\n{string.Join('\n', tooLong)}");
    }

    // What was built is not looked at.
    private static IEnumerable<string> SourcesIn(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs").Concat(
            Directory.EnumerateDirectories(folder).Where(below => Path.GetFileName(below) is not ("bin" or "obj")).SelectMany(SourcesIn));
}

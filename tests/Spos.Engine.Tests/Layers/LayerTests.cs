using System.Text.RegularExpressions;

namespace Spos.Engine.Tests.Layers;

/// <summary>
/// Dependencies point one way: a project refers to those below it alone, and a folder of a project, also one within another, uses what is
/// below it alone.
/// </summary>
public sealed partial class LayerTests
{
    // From the bottom up. Files that lie in a project's root, and not in a folder, may be used by all of its folders.
    private static readonly Dictionary<string, string[]> Folders = new()
    {
        ["Spos.Generators"] = [],
        ["Spos.Base"] = [],
        ["Spos.Space"] = [],
        ["Spos.Engine"] =
        [
            "Files", "Logs", "Native", "Ranks", "Pickles", "Compilation", "Devices", "Kernels", "Tensors", "Autograd", "Profiling", "Nn",
            "Graphs", "Ops", "Ops/Convolutions", "Fusion", "Optim", "Supernet", "Plans", "Checkpoints", "Pytorch", "Data", "Training",
        ],
        ["Spos.Runs"] = ["Records", "Folders", "Reading", "Observers", "Phases", "Proposals"],
        ["Spos.Board"] = ["Page", "Processes", "Reading", "Serving"],
        ["Spos.Report"] = ["Documents", "Chains", "Sections", "Writing"],
        ["Spos.Workers"] = ["Protocol", "Sharing", "Serving", "Joining"],
        ["Spos.Cli"] = ["Display", "Drawing", "Options", "Shells", "Configs", "Nni", "OptionGroups", "Benchmarks", "Verbs"],
    };

    private static readonly string[] Projects = [.. Folders.Keys];

    public static TheoryData<string> ProjectNames => [.. Projects];

    [Fact]
    public void Every_project_is_known() =>
        Assert.Equal(
            Projects.Order(StringComparer.Ordinal),
            Directory.GetDirectories(Source()).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Every_project_refers_to_those_below(string project)
    {
        string file = File.ReadAllText(Path.Combine(Source(), project, $"{project}.csproj"));
        IEnumerable<string> above = Reference().Matches(file).Select(m => m.Groups[1].Value)
            .Where(other => Array.IndexOf(Projects, other) >= Array.IndexOf(Projects, project));
        Assert.Empty(above);
    }

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Every_folder_uses_only_those_below(string project)
    {
        string[] bottomUp = Folders[project];
        string root = Path.Combine(Source(), project);
        Assert.Equal(
            bottomUp.Order(StringComparer.Ordinal),
            Directory.GetDirectories(root, "*", SearchOption.AllDirectories).Select(folder => Path.GetRelativePath(root, folder))
                .Where(folder => folder.Split('/')[0] is not ("bin" or "obj")).Order(StringComparer.Ordinal));
        var wrong = new List<string>();
        foreach (string layer in bottomUp)
        {
            string[] above = bottomUp[(Array.IndexOf(bottomUp, layer) + 1)..];
            foreach (string file in Directory.GetFiles(Path.Combine(root, layer), "*.cs"))
            {
                wrong.AddRange(Uses(File.ReadAllText(file), project, layer, above)
                    .Select(used => $"{layer}/{Path.GetFileName(file)} uses {used}"));
            }
        }
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("using Spos.Engine.Training;\n", "Training")]
    [InlineData("using Spos.Engine.Ops.Convolutions;\n", "Ops/Convolutions")]
    [InlineData("    Convolutions.ConvolutionOp op = null!;\n", "Ops/Convolutions")]
    [InlineData("    long count = Convolutions.Length;\n", null)]
    [InlineData("using One = Spos.Engine.Data.Transforms;\n", "Data")]
    [InlineData("    Engine.Training.Trainer trainer = null!;\n", "Training")]
    [InlineData("    var x = Spos.Engine.Data.Transforms.All;\n", "Data")]
    [InlineData("    Training.Trainer trainer = null!;\n", "Training")]
    [InlineData("    throw new Ops.Convolutions.ConvolutionOp();\n", "Ops/Convolutions")]
    [InlineData("    long count = Data.Length;\n", null)]
    [InlineData("    session.Engine.Data.Go();\n", null)]
    [InlineData("/// <see cref=\"Engine.DataFolder\"/>\n", null)]
    public void What_a_file_uses_is_seen(string text, string? used) =>
        Assert.Equal(used == null ? [] : [used], Uses(text, "Spos.Engine", "Ops", ["Ops/Convolutions", "Training", "Data"]));

    // The folders of a project that a file names, by a using or where it uses something. Within the project Spos.Engine.Training.Trainer
    // is Training.Trainer too, and within Ops Ops.Convolutions.ConvolutionOp is Convolutions.ConvolutionOp; Data.Length is none of a
    // folder's types.
    private static IEnumerable<string> Uses(string text, string project, string layer, IEnumerable<string> folders)
    {
        string last = project[(project.LastIndexOf('.') + 1)..];
        return folders.Where(folder =>
        {
            string names = string.Join(
                '|', Directory.GetFileSystemEntries(Path.Combine(Source(), project, folder)).Select(Path.GetFileNameWithoutExtension));
            string space = folder.Replace('/', '.'), within = folder.StartsWith($"{layer}/", StringComparison.Ordinal)
                ? $"({layer}\\.)?{folder[(layer.Length + 1)..]}"
                : space;
            return Regex.IsMatch(text, $@"(?<![\w.])((Spos\.)?{last}\.{space}\b|{within}\.({names})\b)");
        });
    }

    private static string Source()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            string source = Path.Combine(folder.FullName, "src");
            if (Directory.Exists(Path.Combine(source, "Spos.Engine"))) return source;
        }
        throw new DirectoryNotFoundException("src/Spos.Engine");
    }

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*/(Spos\.\w+)\.csproj""")]
    private static partial Regex Reference();
}

using System.Text.RegularExpressions;

namespace Spos.Engine.Tests.Layers;

/// <summary>Dependencies point one way: a folder of the engine uses only folders below it.</summary>
public sealed partial class LayerTests
{
    private static readonly string[] BottomUp =
        [
            "Files", "Logs", "Native", "Random", "Pickles", "Devices", "Kernels", "Tensors", "Autograd", "Profiling", "Nn", "Ops", "Optim", "Supernet",
            "Checkpoints", "Pytorch", "Data", "Training", "Search",
        ];

    // One component in two folders: a device hands out its kernels, and a kernel belongs to a device.
    private static readonly (string From, string To)[] Together = [("Devices", "Kernels")];

    [Fact]
    public void Every_folder_uses_only_those_below()
    {
        string engine = FindEngine();
        Assert.Equal(BottomUp.Order(StringComparer.Ordinal), Directory.GetDirectories(engine).Select(d => Path.GetFileName(d)).Except(["bin", "obj"]).Order(StringComparer.Ordinal));
        var wrong = new List<string>();
        foreach (string layer in BottomUp)
        {
            foreach (string file in Directory.GetFiles(Path.Combine(engine, layer), "*.cs", SearchOption.AllDirectories))
            {
                wrong.AddRange(Using().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value)
                    .Where(used => Array.IndexOf(BottomUp, used) > Array.IndexOf(BottomUp, layer) && !Together.Contains((layer, used)))
                    .Select(used => $"{layer}/{Path.GetFileName(file)} uses {used}"));
            }
        }
        Assert.Empty(wrong);
    }

    private static string FindEngine()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            string engine = Path.Combine(folder.FullName, "src", "Spos.Engine");
            if (Directory.Exists(engine)) return engine;
        }
        throw new DirectoryNotFoundException("src/Spos.Engine");
    }

    [GeneratedRegex(@"^using Spos\.Engine\.(\w+)[.;]", RegexOptions.Multiline)]
    private static partial Regex Using();
}

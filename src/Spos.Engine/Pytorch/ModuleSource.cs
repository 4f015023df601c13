using System.Globalization;
using System.Text;
using Spos.Engine.Graphs;
using Spos.Engine.Ops;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Pytorch;

/// <summary>
/// Writes a single path as a Python module that needs PyTorch alone: its network has the official names, so it loads what
/// <see cref="TorchWriter"/> writes.
/// </summary>
public static class ModuleSource
{
    /// <summary>What every such file begins with.</summary>
    public const string Mark = "\"\"\"A network that spos export wrote: the path ";

    /// <summary>The source text.</summary>
    /// <param name="record">What is said of the network's pictures and classes.</param>
    /// <param name="weights">The name of the file with the weights, which lies beside the module.</param>
    public static string Of(NetworkSpec spec, Architecture path, ExportRecord record, string weights)
    {
        var text = new StringBuilder();
        var classes = new BlockClasses();
        string[] lines = Network(spec, path, classes);
        (int size, string order, string range) = (spec.ImageSize, record.ChannelOrder, record.ValueRange);
        text.Append(CultureInfo.InvariantCulture, $"""
            {Mark}{path}.

            It takes images [batch, 3, {size}, {size}] in {order}, their values in {range}, less MEAN and divided by STD,
            and gives logits [batch, {spec.Classes}].
            """);
        if (record.ResizedSide != null)
        {
            string how = record.OfficialPreprocessing ? "bilinearly as OpenCV does" : "bilinearly and antialiased as Pillow does";
            text.Append(
                CultureInfo.InvariantCulture, $"\nA picture's shorter side is resized to RESIZED_SIDE, {how}, and its middle taken.");
        }
        text.Append("\n\"\"\"\n\nfrom pathlib import Path\n\nimport torch\nfrom torch import nn\n\n");
        text.Append(CultureInfo.InvariantCulture, $"MEAN = ({Numbers(record.Mean)})\nSTD = ({Numbers(record.Deviation)})\n");
        if (record.ResizedSide is { } side) text.Append(CultureInfo.InvariantCulture, $"RESIZED_SIDE = {side}\n");
        if (record.ClassNames != null)
        {
            text.Append("CLASSES = [\n");
            foreach (string name in record.ClassNames) text.Append(CultureInfo.InvariantCulture, $"    {Quoted(name)},\n");
            text.Append("]\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"WEIGHTS = Path(__file__).with_name({Quoted(weights)})\n\n\n");
        foreach (string block in classes.Sources) text.Append(block).Append("\n\n");
        foreach (string line in lines) text.Append(line).Append('\n');
        text.Append(""""


            def load(weights=WEIGHTS):
                """The network with its weights, for inference."""
                network = Network()
                network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["state_dict"])
                return network.eval()


            if __name__ == "__main__":
                print(load())

            """");
        return text.ToString();
    }

    // The class of the whole network: its parts that come one after the other, and the blocks as one of them.
    private static string[] Network(NetworkSpec spec, Architecture path, BlockClasses classes)
    {
        (string Prefix, Graph Graph)[] parts = [.. NetworkGraph.PartsOf(spec, path)];
        List<string> made = [], forward = [];
        Chain(parts[0].Graph, classes, made, forward);
        made.Add("        self.features = nn.Sequential(");
        foreach ((_, Graph block) in parts[1..^1]) made.AddRange(classes.Call("Block", block, "            "));
        made.Add("        )");
        forward.Add("x = self.features(x)");
        Chain(parts[^1].Graph, classes, made, forward);
        return
        [
            "class Network(nn.Module):", "    def __init__(self):", "        super().__init__()", .. made, "", "    def forward(self, x):",
            .. forward.Select(line => $"        {line}"), "        return x",
        ];
    }

    // A part whose nodes each take the result of the one before: a line each in `forward`.
    private static void Chain(Graph graph, BlockClasses classes, List<string> made, List<string> forward)
    {
        foreach (Run run in Run.Of(graph))
        {
            // A part of its own, such as squeeze-and-excitation, need not be a chain: what it is called on counts.
            IEnumerable<int> nodes = run.Nested == null ? Enumerable.Range(run.First, run.Last + 1 - run.First) : [run.First];
            if (nodes.Any(node => graph.Nodes[node].Inputs is not [int taken] || taken != node))
            {
                throw new NotSupportedException("Stem and tail are chains.");
            }
            if (run.Name is not { } name)
            {
                forward.Add($"x = {graph.Nodes[run.First].Op.PytorchExpression(["x"])}");
                continue;
            }
            made.AddRange(run.Lines(classes, $"        self.{name} = ", "        ", ""));
            forward.Add($"x = self.{name}(x)");
        }
    }

    private static string Numbers(IEnumerable<float> numbers) =>
        string.Join(", ", numbers.Select(n => n.ToString(CultureInfo.InvariantCulture)));

    // A Python string. The file is UTF-8, so only what would end the string or the line, or would make the source look like another, is
    // written as a code.
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            quoted.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                _ when !Shown.Acts(rune) => rune.ToString(),
                _ when rune.IsBmp => $"\\u{rune.Value:x4}",
                _ => $"\\U{rune.Value:x8}",
            });
        }
        return quoted.Append('"').ToString();
    }

    // Nodes that one module computes: a sequence of modules, a module by itself, which may be a part with a graph of its own, or no module
    // but an expression, where the name is null.
    private sealed record Run(Graph Graph, string? Name, int First, int Last, IReadOnlyList<Item>? Sequence)
    {
        public Graph? Nested { get; private init; }

        public static IEnumerable<Run> Of(Graph graph)
        {
            for (int i = 0, last; i < graph.Nodes.Length; i = last + 1)
            {
                last = i;
                string name = graph.Nodes[i].Name;
                int dot = name.LastIndexOf('.');
                string module = name.Split('.')[0];
                if (dot > 0 && graph.Nodes.Any(node => node.Name == module))
                {
                    Item item = Item.Of(graph, module, i);
                    last = item.Last;
                    yield return new Run(graph, module, i, last, null) { Nested = item.Nested };
                }
                else if (dot > 0)
                {
                    IReadOnlyList<Item> items = ItemsFrom(graph, name[..dot], i);
                    last = items[^1].Last;
                    yield return new Run(graph, name[..dot], i, last, items);
                }
                else
                {
                    yield return new Run(graph, name.Length > 0 ? name : null, i, i, null);
                }
            }
        }

        // What makes the module. A line begins with each convolution, and what is done to its result follows.
        public IEnumerable<string> Lines(BlockClasses classes, string before, string indent, string after)
        {
            if (Nested != null)
            {
                string[] call = [.. classes.Call("Part", Nested, indent)];
                yield return before + call[0].TrimStart();
                foreach (string part in call[1..^1]) yield return part;
                yield return call[^1].TrimEnd(',') + after;
                yield break;
            }
            if (Sequence == null)
            {
                yield return $"{before}{Graph.Nodes[First].Op.PytorchModule}{after}";
                yield break;
            }
            yield return $"{before}nn.Sequential(";
            string line = "";
            foreach (Item item in Sequence)
            {
                GraphOp op = Graph.Nodes[item.First].Op;
                if (line.Length > 0 && item.Nested == null && (op.Tensors.IsEmpty || op is BatchNormOp))
                {
                    line += $" {op.PytorchModule},";
                    continue;
                }
                if (line.Length > 0) yield return $"{indent}    {line}";
                line = item.Nested == null ? $"{op.PytorchModule}," : "";
                if (item.Nested == null) continue;
                foreach (string part in classes.Call("Part", item.Nested, $"{indent}    ")) yield return part;
            }
            if (line.Length > 0) yield return $"{indent}    {line}";
            yield return $"{indent}){after}";
        }

        // The modules of a sequence, counted from 0, which each take the result of the one before.
        private static List<Item> ItemsFrom(Graph graph, string sequence, int first)
        {
            var items = new List<Item>();
            for (int i = first; i < graph.Nodes.Length && (i == first || graph.Nodes[i].Inputs[0] == i); i = items[^1].Last + 1)
            {
                string place = $"{sequence}.{items.Count}", name = graph.Nodes[i].Name;
                if (name == place) items.Add(new Item(i, i, null));
                else if (name.StartsWith($"{place}.", StringComparison.Ordinal)) items.Add(Item.Of(graph, place, i));
                else break;
            }
            return items;
        }
    }

    // A module of a sequence: a node, or several that are a module of their own.
    private sealed record Item(int First, int Last, Graph? Nested)
    {
        // The nodes from one on whose names begin with the module's, up to that of its result, which has the name itself.
        public static Item Of(Graph graph, string name, int first)
        {
            int last = first;
            while (graph.Nodes[last].Name != name) last++;
            return new Item(first, last, new Graph(graph.Nodes[first..(last + 1)].Select(node => new GraphNode(
                node.Name.Length > name.Length ? node.Name[(name.Length + 1)..] : "", node.Op,
                [.. node.Inputs.Select(value => value - first)]))));
        }
    }

    // The classes of blocks: one for all that differ in their modules alone.
    private sealed class BlockClasses
    {
        private readonly Dictionary<string, string> _names = [];

        public IEnumerable<string> Sources => _names.Select(pair => $"class {pair.Value}(nn.Module):\n{pair.Key}");

        // What makes a block, or a part of one, as an item of a list.
        public IEnumerable<string> Call(string kind, Graph block, string indent)
        {
            Run[] runs = [.. Run.Of(block)];
            string[] modules = [.. runs.Select(run => run.Name).OfType<string>()];
            string source = string.Join('\n',
            [
                $"    def __init__(self, {string.Join(", ", modules)}):", "        super().__init__()",
                .. modules.Select(name => $"        self.{name} = {name}"),
                "", "    def forward(self, x):", .. Forward(block, runs), "",
            ]);
            if (!_names.TryGetValue(source, out string? name))
            {
                _names[source] = name = $"{kind}{_names.Values.Count(n => n.StartsWith(kind, StringComparison.Ordinal)) + 1}";
            }
            yield return $"{indent}{name}(";
            foreach (Run run in runs.Where(run => run.Name != null))
            {
                foreach (string line in run.Lines(this, $"{indent}    {run.Name}=", $"{indent}    ", ",")) yield return line;
            }
            yield return $"{indent}),";
        }

        // A result that is taken once stands where it is taken, others have a line and a name.
        private static IEnumerable<string> Forward(Graph block, Run[] runs)
        {
            string[] values = ["x", .. new string[block.Nodes.Length]];
            int named = 0;
            foreach (Run run in runs)
            {
                GraphNode first = block.Nodes[run.First];
                string[] inputs = [.. first.Inputs.Select(value => values[value])];
                string expression = run.Name is { } name ? $"self.{name}({inputs[0]})" : first.Op.PytorchExpression(inputs);
                int takers = block.Nodes.Sum(node => node.Inputs.Count(value => value == run.Last + 1));
                if (run.Last == block.Nodes.Length - 1)
                {
                    yield return $"        return {expression}";
                }
                else if (takers > 1)
                {
                    values[run.Last + 1] = $"value{++named}";
                    yield return $"        value{named} = {expression}";
                }
                else
                {
                    values[run.Last + 1] = expression;
                }
            }
        }
    }
}

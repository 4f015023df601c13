using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Spos.Engine.Checkpoints;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Checkpoints;

/// <summary>
/// Files of NNI and megvii (fixtures/nni_files.json; make_nni_files.py names the version and the place of each in their code), and what
/// only looks like them.
/// </summary>
public sealed class ArchitectureFileTests : IDisposable
{
    private static readonly JsonDocument Files = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "nni_files.json")));
    private static readonly Architecture Released = Architecture.Parse(Files.RootElement.GetProperty("released").GetString()!);

    private static readonly SearchSpace Official = new NetworkSpec().Space;

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-architecture-").FullName;

    public static TheoryData<string> Texts => [.. Files.RootElement.GetProperty("architectures").EnumerateObject().Select(p => p.Name)];

    public static TheoryData<string> Pickles => [.. Files.RootElement.GetProperty("pickles").EnumerateObject().Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(Texts))]
    public void NNI_s_files_are_read(string name)
    {
        string text = Files.RootElement.GetProperty("architectures").GetProperty(name).GetString()!;
        Assert.Equal(Released, ArchitectureFile.Read(Write(text), Official));
        // As Windows' editors save it.
        Assert.Equal(Released, ArchitectureFile.Read(Write("\ufeff" + text.Replace("\n", "\r\n", StringComparison.Ordinal)), Official));
    }

    [Theory]
    [MemberData(nameof(Pickles))]
    public void Megvii_s_pickles_are_read(string name) =>
        Assert.Equal(
            Released,
            ArchitectureFile.Read(Write(Files.RootElement.GetProperty("pickles").GetProperty(name).GetBytesFromBase64()), Official));

    [Fact]
    public void What_is_written_is_what_NNI_writes()
    {
        string example = Path.Combine(_folder, "architecture_final.json"),
            export = Path.Combine(_folder, "020_000.json"), space = Path.Combine(_folder, "space.json");
        ArchitectureFile.Write(example, Released, Official);
        string[] lines = File.ReadAllLines(example);
        // NNI v1.9, examples/nas/spos/architecture_final.json: its first two lines and the last two.
        Assert.Equal(["{", "  \"LayerChoice1\": [false, false, true, false],"], lines[..2]);
        Assert.Equal(["  \"LayerChoice20\": [false, false, false, true]", "}"], lines[^2..]);
        Assert.Equal(Enumerable.Range(1, 20), lines[1..^1].Select(
            line => int.Parse(line.Split('"')[1]["LayerChoice".Length..], System.Globalization.CultureInfo.InvariantCulture)));

        ArchitectureFile.WriteExport(export, Released, Official);
        Assert.Equal(
            Files.RootElement.GetProperty("architectures").GetProperty("1.9 tuner, checkpoints/EEE_III.json").GetString(),
            File.ReadAllText(export));

        SearchSpaceFile.Write(space, Official);
        Assert.Equal(Files.RootElement.GetProperty("search_space").GetString() + "\n", File.ReadAllText(space));
        Assert.True(SearchSpaceFile.Read(space, Official).IsWhole);
    }

    // {"LayerChoice1": [one-hot], …, "channel_1": 44, …}, and as NNI 3's ShuffleNetSpace(channel_search=True) freezes it.
    [Fact]
    public void Channel_scales_are_written_and_read_by_the_channels_inside()
    {
        SearchSpace scaled = new NetworkSpec { BlockSet = BlockSet.ShuffleV2Channels }.Space;
        Architecture path = Architecture.Parse("0 0 3 1 1 1 0 0 2 0 2 1 1 0 2 0 2 1 3 2 / 6 5 3 5 2 6 3 4 2 5 7 5 4 6 7 4 4 5 4 3");
        string file = Path.Combine(_folder, "scaled.json");
        ArchitectureFile.Write(file, path, scaled);
        string text = File.ReadAllText(file);
        Assert.Contains("\"LayerChoice3\": [false, false, false, true],", text, StringComparison.Ordinal);
        Assert.Contains("\"channel_1\": 44,", text, StringComparison.Ordinal);
        Assert.Contains("\"channel_20\": 256\n", text, StringComparison.Ordinal);
        Assert.Equal(path, ArchitectureFile.Read(file, scaled));
        ArchitectureFile.WriteExport(file, path, scaled);
        Assert.Equal(path, ArchitectureFile.Read(file, scaled));
        int[] channels = [.. path.Blocks.Select((choice, block) => scaled.Blocks[block][choice].Channels)];
        string frozen = string.Join(", ", path.Operations.Select((operation, block) =>
            $"\"layer_{block + 1}\": \"{new[] { "k3", "k5", "k7", "xcep" }[operation]}\", \"channel_{block + 1}\": {channels[block]}"));
        Assert.Equal(path, ArchitectureFile.Read(Write($"{{{frozen}}}"), scaled));

        Refused(text.Replace("44", "45", StringComparison.Ordinal), "channel_1 is 45: 6, 12, 19, 25, 32, 38, 44, 51 are possible");
        Refused(text.Replace("44", "\"44\"", StringComparison.Ordinal), "channel_1 is \"44\", and not a number of channels");
        Refused(text.Replace("channel_1\"", "channel_21\"", StringComparison.Ordinal), "'channel_21' is of no block");
        Refused(text.Replace("channel_1\"", "channel_2\"", StringComparison.Ordinal), "'channel_2' is there twice");
        Refused(text.Replace("  \"channel_1\": 44,\n", "", StringComparison.Ordinal), "the field channel_1 is missing");
        Assert.Contains(
            "the network has none",
            Assert.Throws<FormatException>(() => ArchitectureFile.Read(Write(text), Official)).Message, StringComparison.Ordinal);

        SearchSpaceFile.Write(file, scaled);
        Assert.Contains("\"channel_1\"", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.True(SearchSpaceFile.Read(file, scaled).IsWhole);
        Assert.Contains(
            "unknown field", Assert.Throws<FormatException>(() => SearchSpaceFile.Read(file, Official)).Message, StringComparison.Ordinal);

        void Refused(string changed, string says) => Assert.Contains(
            says, Assert.Throws<FormatException>(() => ArchitectureFile.Read(Write(changed), scaled)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        var random = new CounterRandom(7, RandomPurpose.Paths, 0);
        for (int i = 0; i < 200; i++)
        {
            // Blocks of one alternative to twelve.
            var space = new SearchSpace(Enumerable.Range(0, 1 + random.NextInt(32)).Select(_ =>
                Enumerable.Range(0, 1 + random.NextInt(12)).Select(choice => new Alternative($"{choice}")).ToImmutableArray()));
            var path = new Architecture(space.Blocks.Select(alternatives => random.NextInt(alternatives.Length)));
            string file = Path.Combine(_folder, "path.json");
            ArchitectureFile.Write(file, path, space);
            Assert.Equal(path, ArchitectureFile.Read(file, space));
            ArchitectureFile.WriteExport(file, path, space);
            Assert.Equal(path, ArchitectureFile.Read(file, space));
            foreach (string text in new[] { $"{path}", $"({string.Join(", ", path.Blocks)},)", $"[{string.Join(",", path.Blocks)}]\n" })
            {
                Assert.Equal(path, Architecture.Parse(text));
            }
        }
    }

    [Theory]
    [InlineData("""{"LayerChoice1": [true, true, false, false]}""", "LayerChoice1 chooses 2 operations, not one")]
    [InlineData("""{"LayerChoice1": [false, false, false, false]}""", "LayerChoice1 chooses 0 operations")]
    [InlineData("""{"LayerChoice1": [false, true, false]}""", "LayerChoice1 is a list of 3, not of 4")]
    [InlineData("""{"LayerChoice1": [false, 1, false, false]}""", "something other than true and false")]
    [InlineData("""{"LayerChoice1": [0, 1, 0, 0]}""", "which NNI takes for numbers of choices")]
    [InlineData("""{"LayerChoice1": [0.5, 0.5, 0.0, 0.0]}""", "something other than true and false")]
    [InlineData("""{"LayerChoice1": NaN}""", "it is not JSON, or nested too deeply, from line 1, column 18 on.")]
    [InlineData("""{"LayerChoice1": 4}""", "LayerChoice1 is 4: 0 to 3 are choices")]
    [InlineData("""{"LayerChoice1": -1}""", "LayerChoice1 is -1")]
    [InlineData("""{"LayerChoice1": 1.5}""", "LayerChoice1 is 1.5")]
    [InlineData("""{"LayerChoice1": "conv"}""", "LayerChoice1 is 'conv'")]
    [InlineData("""{"LayerChoice1": "layerchoice_LayerChoice2_1"}""", "LayerChoice1 is 'layerchoice_LayerChoice2_1'")]
    [InlineData("""{"LayerChoice1": null}""", "LayerChoice1 is null")]
    [InlineData("""{"LayerChoice1": {"_value": "1"}}""", "LayerChoice1 has no number _idx")]
    [InlineData("""{"LayerChoice1": {"_value": "1", "_idx": 2}}""", "_value is not the choice of _idx, 2")]
    [InlineData("""{"LayerChoice1": {"_value": {"_value": 1}, "_idx": 1}}""", "_value is not the choice of _idx, 1")]
    [InlineData("""{"LayerChoice1": {"_value": "1", "_idx": 1, "x": 0}}""", "unknown field 'x'")]
    [InlineData("""{"LayerChoice2": 1}""", "LayerChoice1 is missing")]
    [InlineData("""{"LayerChoice1": 1, "LayerChoice3": 1}""", "LayerChoice2 is missing")]
    [InlineData("""{"LayerChoice1": 1, "LayerChoice1": 2}""", "'LayerChoice1' is there twice")]
    [InlineData("""{"LayerChoice1": 1, "model/LayerChoice2": 2}""", "fields are named alike")]
    [InlineData("""{"LayerChoice01": 1}""", "unknown field 'LayerChoice01'")]
    [InlineData("""{"LayerChoice1": 1, "InputChoice2": 1}""", "unknown field 'InputChoice2'")]
    [InlineData("""{"parameters": [1]}""", "parameters has no fields")]
    [InlineData("{}", "LayerChoice1 is missing")]
    [InlineData("{", "JSON")]
    [InlineData("1 2 x", "'x' in an architecture is not the number of a choice")]
    [InlineData("1 2 -1", "'-1' in an architecture")]
    [InlineData("1 2 03", "'03' in an architecture")]
    [InlineData("1 2 1000", "'1000' in an architecture")]
    [InlineData("1 2 3", "it has 3 blocks; the network has 20.")]
    [InlineData("0 0 0 0 0 0 0 4 0 0 0 0 0 0 0 0 0 0 0 0", "it chooses 4 in block 7; the choices there are 0 to 3.")]
    [InlineData("""{"LayerChoice21": 1}""", "'LayerChoice21' is of no block: the network has 20.")]
    [InlineData("(I0\nI4\nt.", "it has 2 blocks; the network has 20.")]
    [InlineData("(0, 1, 2", "'(0' in an architecture")]
    [InlineData("[0, 1, 2)", "'[0' in an architecture")]
    [InlineData("0,1,,", "missing at a comma")]
    [InlineData(",", "missing at a comma")]
    [InlineData("0,,1", "missing at a comma")]
    [InlineData("", "list of numbers, one for each block")]
    [InlineData("0 1 2.", "no pickle that can be read")]
    [InlineData("N.", "a pickle of None, not of a tuple")]
    [InlineData("(I0\nI-1\nt.", "not all numbers of choices")]
    [InlineData("(I0\nI01\nt.", "not all numbers of choices")]
    [InlineData("(I0\n(I1\ntt.", "not all numbers of choices")]
    [InlineData(").", "empty tuple")]
    [InlineData("cos\nsystem\n(S'true'\ntR.", "os.system")]
    public void What_is_no_architecture_is_refused_by_name(string text, string named)
    {
        string file = Write(text), message = Assert.Throws<FormatException>(() => ArchitectureFile.Read(file, Official)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_files_are_refused_without_reading_them_whole()
    {
        void Refused(string file, string named) => Assert.Contains(
            named, Assert.Throws<FormatException>(() => ArchitectureFile.Read(file, Official)).Message, StringComparison.Ordinal);
        Refused("/dev/zero", "not a regular file");
        Refused(_folder, "is a folder");
        Refused(Path.Combine(_folder, "nowhere"), "nowhere");
        Refused(Write("0 1 2 3".PadRight(2 << 20)), "larger than");
        Refused(Write([0x30, 0x20, 0xff, 0xfe]), "not text in UTF-8");
        Refused(Write(Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes("0 1")).ToArray()), "not text in UTF-8");
        Refused(Write(string.Concat(Enumerable.Repeat("{\"LayerChoice1\":", 10_000))), "nested too deeply, from line 1, column ");
    }

    [Fact]
    public void Mutated_files_are_read_or_refused_and_nothing_else()
    {
        byte[][] seeds =
        [
            .. Files.RootElement.GetProperty("architectures").EnumerateObject().Select(p => Encoding.UTF8.GetBytes(p.Value.GetString()!)),
            .. Files.RootElement.GetProperty("pickles").EnumerateObject().Select(p => p.Value.GetBytesFromBase64()),
            Encoding.UTF8.GetBytes(Files.RootElement.GetProperty("search_space").GetString()!),
        ];
        const string syntax = "{}[](),:\"0123.- \n";
        var random = new CounterRandom(11, RandomPurpose.Paths, 0);
        for (int i = 0; i < 5000; i++)
        {
            byte[] bytes = [.. seeds[random.NextInt(seeds.Length)]];
            for (int change = random.NextInt(4); change >= 0; change--)
            {
                int at = random.NextInt(bytes.Length);
                if (random.NextInt(8) == 0 && at > 0) bytes = bytes[..at];
                else bytes[at] = random.NextInt(2) == 0 ? (byte)random.NextInt(256) : (byte)syntax[random.NextInt(syntax.Length)];
            }
            string file = Write(bytes);
            foreach (Action read in new Action[]
            {
                () => ArchitectureFile.Read(file, Official), () => SearchSpaceFile.Read(file, Official),
            })
            {
                Exception? thrown = Record.Exception(read);
                Assert.True(thrown is null or FormatException, $"mutation {i}: {thrown}");
                Assert.True(thrown == null || thrown.Message.Length < 600, $"mutation {i}: {thrown?.Message}");
            }
        }
    }

    [Fact]
    public void A_smaller_search_space_comes_back()
    {
        foreach (BlockSet set in new[] { BlockSet.ShuffleV2, BlockSet.ShuffleV2Plus, BlockSet.ShuffleV2Channels })
        {
            SearchSpace whole = new NetworkSpec { StageRepeats = [1, 1, 2, 1], BlockSet = set }.Space;
            SearchSpace smaller = whole.With([[0], [1, 2], [0, 1, 2, 3], [3], [0, 3]], [[7], [0, 1, 2], [4, 5], [0, 7], [3]]);
            string file = Path.Combine(_folder, "smaller.json");
            SearchSpaceFile.Write(file, smaller);
            Assert.Equal(smaller.Left, SearchSpaceFile.Read(file, whole).Left);
            // And also of a network that is left with less.
            Assert.Equal(smaller.Left, SearchSpaceFile.Read(file, smaller.With([[0], [1], [0], [3], [0]])).Left);
        }
    }

    [Fact]
    public void The_second_of_two_scales_with_as_many_channels_comes_back()
    {
        var network = new NetworkSpec { StemChannels = 4, StageChannels = [6, 8, 16, 32], BlockSet = BlockSet.ShuffleV2Channels };
        SearchSpace whole = network.Space;
        Assert.Equal(whole.Blocks[0][0].Channels, whole.Blocks[0][1].Channels);
        SearchSpace second = whole.With(whole.Operations.Select(all => all.AsEnumerable()), whole.Scales.Select(_ => new[] { 1, 6 }));
        string file = Path.Combine(_folder, "second.json");
        SearchSpaceFile.Write(file, second);
        Assert.Equal(second.Left, SearchSpaceFile.Read(file, whole).Left);
    }

    [Theory]
    [InlineData("[]", "not an object")]
    [InlineData("{}", "LayerChoice1 is missing")]
    [InlineData("""{"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "2"]}}""", "LayerChoice2 is missing")]
    [InlineData(
        """{"LayerChoice1": {"_type": "layer_choice", "_value": ["1", "0", "2", "3"]}}""",
        """LayerChoice1._value has "0" where it can have some of "0", "1", "2", "3", in this order, each once""")]
    [InlineData("""{"LayerChoice1": {"_type": "layer_choice", "_value": ["1", "1"]}}""", "LayerChoice1._value has \"1\"")]
    [InlineData("""{"LayerChoice1": {"_type": "layer_choice", "_value": ["4"]}}""", "LayerChoice1._value has \"4\"")]
    [InlineData("""{"LayerChoice1": {"_type": "layer_choice", "_value": [0, 1, 2, 3]}}""", "LayerChoice1._value has 0")]
    [InlineData("""{"LayerChoice1": {"_type": "layer_choice", "_value": "0"}}""", "LayerChoice1._value is not a list")]
    [InlineData(
        """{"LayerChoice1": {"_type": "layer_choice", "_value": []}}""",
        "LayerChoice1._value is empty: a block keeps at least one alternative")]
    [InlineData(
        """{"LayerChoice1": {"_type": "choice", "_value": ["0", "1", "2", "3"]}}""", """LayerChoice1._type is not "layer_choice".""")]
    [InlineData("""{"LayerChoice1": {"_type": "layer_choice"}}""", "lacks _type or _value")]
    [InlineData("""{"LayerChoice1": {"_name": 1}}""", "unknown field '_name'")]
    [InlineData("""{"LayerChoice21": {}}""", "unknown field 'LayerChoice21'; fields are LayerChoice1 to LayerChoice20")]
    [InlineData("""{"LayerChoice1": 1}""", "LayerChoice1 is not an object")]
    [InlineData(
        """
        {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]},
        "LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]}}
        """,
        "there twice")]
    public void Another_search_space_is_refused_by_name(string text, string named)
    {
        string file = Write(text), message = Assert.Throws<FormatException>(() => SearchSpaceFile.Read(file, Official)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    private string Write(byte[] bytes)
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllBytes(file, bytes);
        return file;
    }
}

using Spos.Engine.Pickles;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Space;

namespace Spos.Engine.Tests.Pytorch;

/// <summary>
/// megvii's FLOPs table, as its readers index it: megvii-model/SinglePathOneShot 36eed6c, src/Supernet/flops.py, and NNI v1.9,
/// examples/nas/spos/network.py. The fixture is counted by hooks on PyTorch's layers (fixtures/make_flops_table.py).
/// </summary>
public sealed class OfficialFlopsTests : IDisposable
{
    private static readonly string[] Names = ["shufflenet_3x3", "shufflenet_5x5", "shufflenet_7x7", "xception_3x3"];

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-flops-").FullName;

    // What the authors' own file has for each kind of block, as a public copy of NNI's example prints it: a
    // block, then the four operations.
    public static TheoryData<int, long[]> Published => new()
    {
        { 0, [13_396_992, 15_805_440, 19_418_112, 13_146_112] },
        { 1, [7_325_696, 8_931_328, 11_339_776, 12_343_296] },
        { 4, [26_304_768, 28_111_104, 30_820_608, 20_296_192] },
        { 5, [10_599_680, 11_603_200, 13_108_480, 16_746_240] },
        { 8, [30_670_080, 31_673_600, 33_178_880, 21_199_360] },
        { 9, [10_317_440, 10_819_200, 11_571_840, 15_899_520] },
        { 16, [30_387_840, 30_889_600, 31_642_240, 20_634_880] },
        { 17, [10_176_320, 10_427_200, 10_803_520, 15_476_160] },
    };

    [Fact]
    public void Every_entry_of_the_table_is_what_is_computed_here()
    {
        var spec = new NetworkSpec();
        CostTable official = OfficialFlops.Load(TorchFixtures.At("op_flops_dict.pkl"), spec), computed = NetworkFlops.Of(spec);
        for (int block = 0; block < spec.Blocks; block++) Assert.Equal(computed.Of(block), official.Of(block));
        Assert.Equal(computed.Fixed, official.Fixed);
        Assert.Equal(322_918_720, official.Of(Architecture.Parse("(2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3)")));

        // Each entry is one of those, or of a block of other middle channels, which the supernet does not have.
        PickleDictionary table = Fixture();
        Assert.Equal(
            ["conv1", "rest_operation", .. Names.SelectMany(n => new[] { $"{n}_stride_1", $"{n}_stride_2" })],
            table.Select(e => (string)e.Key).Order(StringComparer.Ordinal));
        long stem = NetworkGraph.Stem(spec).MultiplyAddsOn(NetworkGraph.ImagesOf(spec));
        Assert.Equal(stem, Entry(table, "conv1", 3, 16, 224, 224, 2));
        Assert.Equal(computed.Fixed - stem, Entry(table, "rest_operation", 640, 1000, 7, 7, 1));
        var seen = new HashSet<string>();
        foreach (BlockSpec block in spec.BlockSpecs())
        {
            int input = block.Input * (3 - block.Stride);
            foreach ((int choice, string name) in Names.Index())
            {
                Assert.Equal(
                    computed.Of(block.Index)[choice],
                    Entry(table, $"{name}_stride_{block.Stride}", input, block.Output, block.Middle, block.Size, block.Size, block.Stride));
                seen.Add($"{name} {input} {block.Output} {block.Size} {block.Stride}");
            }
        }
        Assert.Equal(32, seen.Count);
        Assert.Equal(3 * 32, Names.Sum(
            n => ((PickleDictionary)Value(table, $"{n}_stride_1")).Count + ((PickleDictionary)Value(table, $"{n}_stride_2")).Count));
    }

    [Theory]
    [MemberData(nameof(Published))]
    public void The_table_has_the_authors_figures(int block, long[] flops)
    {
        CostTable official = OfficialFlops.Load(TorchFixtures.At("op_flops_dict.pkl"), new NetworkSpec());
        Assert.Equal(flops, official.Of(block));
    }

    [Fact]
    public void A_table_of_other_sizes_or_layout_is_refused_by_what_it_lacks()
    {
        void Lacks(NetworkSpec spec, string what) =>
            Assert.Contains(
                what,
                Assert.Throws<TorchCheckpointException>(() => OfficialFlops.Load(TorchFixtures.At("op_flops_dict.pkl"), spec)).Message,
                StringComparison.Ordinal);
        Lacks(new NetworkSpec { StageChannels = [48, 160, 320, 640] }, "no shufflenet_3x3_stride_2 of (16, 48, 24, 112, 112, 2)");
        Lacks(new NetworkSpec { Classes = 100 }, "no rest_operation of (640, 100, 7, 7, 1)");
        Lacks(new NetworkSpec { ImageSize = 192 }, "no shufflenet_3x3_stride_2 of (16, 64, 32, 96, 96, 2)");
    }

    [Theory]
    [InlineData("", "byte 0")]
    [InlineData("N.", "not of a dict")]
    [InlineData("cos\nsystem\n(S'ls'\ntR.", "os.system")]
    [InlineData("}.", "has no shufflenet_3x3_stride_2: it is not megvii's FLOPs table")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI112\nI112\nI2\ntI1\nss.", "(16, 64, 32, 112, 112, 2)")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI32\nI112\nI112\nI2\ntI-1\nss.", "is no number of FLOPs")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI32\nI112\nI112\nI2\ntFnan\nss.", "is no number of FLOPs")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI32\nI112\nI112\nI2\ntF1.5\nss.", "is no number of FLOPs")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI32\nI112\nI112\nI2\ntI9000000000000000000\nss.", "is no number of FLOPs")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI32\nI112\nI112\nI2\ntI13396992\nss.", "has no shufflenet_5x5_stride_2")]
    [InlineData("(dS'shufflenet_3x3_stride_2'\n(d(I16\nI64\nI32\nI112\nI112\nI2\ntF13396992.0\nss.", "has no shufflenet_5x5_stride_2")]
    public void What_is_no_table_is_refused_by_name(string contents, string named)
    {
        string file = Path.Combine(_folder, "table.pkl");
        File.WriteAllText(file, contents);
        string message = Assert.Throws<TorchCheckpointException>(() => OfficialFlops.Load(file, new NetworkSpec())).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mutated_tables_are_read_or_refused_and_nothing_else()
    {
        byte[] fixture = File.ReadAllBytes(TorchFixtures.At("op_flops_dict.pkl"));
        string file = Path.Combine(_folder, "table.pkl");
        var random = new CounterRandom(13, RandomPurpose.Paths, 0);
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = [.. fixture];
            for (int change = random.NextInt(4); change >= 0; change--) bytes[random.NextInt(bytes.Length)] = (byte)random.NextInt(256);
            File.WriteAllBytes(file, bytes);
            Exception? thrown = Record.Exception(() => OfficialFlops.Load(file, new NetworkSpec()));
            Assert.True(thrown is null or TorchCheckpointException, $"mutation {i}: {thrown}");
        }
    }

    [Fact]
    public void A_file_without_an_end_is_refused() =>
        Assert.Contains(
            "not a regular file", Assert.Throws<TorchCheckpointException>(() => OfficialFlops.Load("/dev/zero", new NetworkSpec())).Message,
            StringComparison.Ordinal);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static PickleDictionary Fixture()
    {
        int position = 0;
        return (PickleDictionary)Unpickler.Load(
            File.ReadAllBytes(TorchFixtures.At("op_flops_dict.pkl")), ref position, new PickleObjects())!;
    }

    private static object Value(PickleDictionary table, object key) =>
        table.TryGet(key, out object? value) ? value! : throw new KeyNotFoundException($"{key}");

    private static long Entry(PickleDictionary table, string operation, params long[] shape) =>
        (long)Value((PickleDictionary)Value(table, operation), new PickleTuple([.. shape]));
}

using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Spos.Engine.Pickles;

namespace Spos.Engine.Tests.Pickles;

public sealed class UnpicklerTests
{
    private static readonly JsonDocument Document = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "pickles.json")));

    /// <summary>What tests/fixtures/make_pickles.py had Python pickle.</summary>
    public static IEnumerable<byte[]> Pickles =>
        Document.RootElement.EnumerateArray().Select(row => row.GetProperty("pickle").GetBytesFromBase64());

    [Fact]
    public void Plain_data_of_every_protocol_is_what_python_pickled()
    {
        foreach (JsonElement row in Document.RootElement.EnumerateArray())
        {
            var found = new StringBuilder();
            Write(found, Load(row.GetProperty("pickle").GetBytesFromBase64()));
            var expected = new StringBuilder();
            Write(expected, row.GetProperty("value"));
            Assert.True(
                expected.ToString() == found.ToString(),
                $"{row.GetProperty("name")}, protocol {row.GetProperty("protocol")}: {found} instead of {expected}");
        }
    }

    [Theory]
    [InlineData("cos\nsystem\n(S'touch pwned'\ntR.", "os.system")]
    [InlineData("(S'touch pwned'\nios\nsystem\n.", "os.system")]
    [InlineData("(cos\nsystem\nS'touch pwned'\no.", "os.system")]
    [InlineData("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.", "os.system")]
    [InlineData("c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval")]
    [InlineData("cbuiltins\ngetattr\n.", "builtins.getattr")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n(tR.", "torch._utils._rebuild_tensor_v2")]
    [InlineData("ccollections\nOrderedDict.__class__\n(tR.", "collections.OrderedDict.__class__")]
    [InlineData("cargparse\nNamespace\n)\x81}S'lr'\nF0.1\nsb.", "argparse.Namespace")]
    [InlineData("\x80\x04\x8c\u0001m\x8c\u0001C\x93)}S'a'\nK\x01s\x92.", "m.C")]
    [InlineData("ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.", "m.C")]
    [InlineData("cm\nC\n(tR(tR.", "m.C")]
    [InlineData("cm\nC\n(tRI1\na(I2\ne.", "m.C")]
    public void What_is_not_data_is_named_and_passed_over(string pickle, string name)
    {
        object? value = Load(Encoding.Latin1.GetBytes(pickle));
        Assert.Equal(name, $"{(value as PickleOpaque)?.Type ?? value}");
    }

    [Fact]
    public void Objects_keep_the_state_and_the_entries_that_they_are_given()
    {
        var value = (PickleOpaque)Load(Encoding.Latin1.GetBytes("cm\nC\n)\x81}S'lr'\nI1\nsbS'a'\nI2\ns."))!;
        Assert.True(((PickleDictionary)value.State!).TryGet("lr", out _));
        Assert.True(value.Entries!.TryGet("a", out object? two));
        Assert.Equal(2L, two);
    }

    [Theory]
    [InlineData("\x82\x01.", "0x82 is no code")]
    [InlineData("I1\nS'a'\nb.", "is given a state")]
    [InlineData("I1\n(tR.", "calls")]
    [InlineData("cm\nC\nI1\nR.", "called with what is no tuple")]
    [InlineData("ccollections\nOrderedDict\n(]I1\natR.", "a list of pairs")]
    [InlineData("S'\\x1b[31m'\nI1\na.", "a text stands where")]
    public void What_makes_no_sense_is_refused_by_place(string pickle, string says)
    {
        PickleException error = Assert.Throws<PickleException>(() => Load(Encoding.Latin1.GetBytes(pickle)));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains($"at byte {error.Position}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("N")]
    [InlineData("NN.")]
    [InlineData("(.")]
    [InlineData("0")]
    [InlineData("a")]
    [InlineData("h\x07.")]
    [InlineData("K")]
    [InlineData("X\xff\xff\xff\x7f.")]
    [InlineData("T\xff\xff\xff\xff.")]
    [InlineData("\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.")]
    [InlineData("\x8b\x00\x00\x00\x80.")]
    [InlineData("\x95\xff\xff\xff\xff\xff\xff\xff\xff.")]
    [InlineData("\x80\x06N.")]
    [InlineData("}]Ns.")]
    [InlineData("(Nd.")]
    [InlineData("I99999999999999999999999999x\n.")]
    [InlineData("Fabc\n.")]
    [InlineData("Sabc\n.")]
    public void Damage_is_an_error(string pickle) => Assert.Throws<PickleException>(() => Load(Encoding.Latin1.GetBytes(pickle)));

    [Fact]
    public void Nesting_as_deep_as_the_pickle_is_long_ends()
    {
        const int depth = 1_000_000;
        Load(Encoding.Latin1.GetBytes(new string(']', depth) + new string('a', depth - 1) + "."));
        // A tuple of itself twice, again and again: its size doubles with each.
        byte[] doubling = Encoding.Latin1.GetBytes(")" + string.Concat(Enumerable.Repeat("2\x86", 10_000)) + "}2(N.");
        Assert.Throws<PickleException>(() => Load(doubling));
        // As a key it is equal to itself alone.
        Assert.Single((PickleDictionary)Load(Encoding.Latin1.GetBytes("})" + string.Concat(Enumerable.Repeat("2\x86", 64)) + "Ns."))!);
    }

    [Fact]
    public void Long_keys_and_lists_named_again_and_again_cost_little()
    {
        const int times = 200_000;
        byte[] length = BitConverter.GetBytes(times);
        string text = Encoding.Latin1.GetString(length) + new string('x', times);
        long before = GC.GetAllocatedBytesForCurrentThread();
        // A dict whose keys are the same long text; a set and an OrderedDict of the same long list.
        Load(Encoding.Latin1.GetBytes($"X{text}q\0" + "0}" + string.Concat(Enumerable.Repeat("h\0Ns", times)) + "."));
        foreach (string call in new[] { "c__builtin__\nset\n", "ccollections\nOrderedDict\n" })
        {
            string list = "](" + string.Concat(Enumerable.Repeat("NN\x86", 1000)) + "eq\0" + "0";
            Load(Encoding.Latin1.GetBytes(
                $"{list}{call}q\u0001" + "0(" + string.Concat(Enumerable.Repeat("h\u0001h\0\x85R", times)) + "l."));
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400_000_000);
    }

    private static object? Load(byte[] pickle)
    {
        int position = 0;
        return Unpickler.Load(pickle, ref position, new PickleObjects());
    }

    private static void Write(StringBuilder text, object? value)
    {
        switch (value)
        {
            case PickleDictionary dictionary:
                Write(text, "dict", dictionary.SelectMany(e => new[] { e.Key == PickleDictionary.None ? null : e.Key, e.Value }));
                break;
            case PickleTuple tuple:
                Write(text, "tuple", tuple);
                break;
            case List<object?> list:
                Write(text, "list", list);
                break;
            case double number:
                text.Append(CultureInfo.InvariantCulture, $"float {number:R} ");
                break;
            default:
                text.Append(CultureInfo.InvariantCulture, $"{value?.GetType() == typeof(string)} {value ?? "None"} ");
                break;
        }
    }

    private static void Write(StringBuilder text, string kind, IEnumerable<object?> items)
    {
        text.Append(CultureInfo.InvariantCulture, $"{kind} ( ");
        foreach (object? item in items) Write(text, item);
        text.Append(") ");
    }

    // The fixture's JSON as what the pickle should be.
    private static void Write(StringBuilder text, JsonElement value)
    {
        void Items(string kind, IEnumerable<JsonElement> items)
        {
            text.Append(CultureInfo.InvariantCulture, $"{kind} ( ");
            foreach (JsonElement item in items) Write(text, item);
            text.Append(") ");
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                Items("list", value.EnumerateArray());
                break;
            case JsonValueKind.Object when value.TryGetProperty("dict", out JsonElement pairs):
                Items("dict", pairs.EnumerateArray().SelectMany(p => p.EnumerateArray()));
                break;
            case JsonValueKind.Object when value.TryGetProperty("tuple", out JsonElement items):
                Items("tuple", items.EnumerateArray());
                break;
            case JsonValueKind.Object:
                Write(text, BigInteger.Parse(value.GetProperty("large").GetString()!, CultureInfo.InvariantCulture));
                break;
            case JsonValueKind.Number:
                Write(text, value.GetRawText().AsSpan().ContainsAny('.', 'e') ? (object)value.GetDouble() : value.GetInt64());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                Write(text, value.GetBoolean());
                break;
            default:
                Write(text, value.GetString());
                break;
        }
    }
}

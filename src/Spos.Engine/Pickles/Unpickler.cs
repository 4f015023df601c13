using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Spos.Engine.Pickles;

/// <summary>
/// Reads Python's pickles, protocols 0 to 5 (PEP 307, 3154, 574; Python's Lib/pickletools.py describes the codes), as data:
/// None is null, ints are long or BigInteger, lists List&lt;object?&gt;, bytes byte[]. No code runs, whatever the pickle says:
/// classes and functions are names, and what would be made by a name that <see cref="PickleObjects"/> does not know is a
/// <see cref="PickleOpaque"/>. What is built is no larger than the pickle by more than a factor, and nothing is walked recursively.
/// </summary>
public sealed class Unpickler
{
    private const int HighestProtocol = 5;

    // What is longer is equal to itself alone: a long key named again and again would take long to compare.
    private const int MostKeyItems = 64, MostKeyCharacters = 1024, MostItemCharacters = 64, MostKeyBits = 1024;

    // Digits of an integer written out, which take quadratic time to read.
    private const int MostDigits = 4096;

    private readonly byte[] _data;
    private readonly PickleObjects _objects;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _position, _code;

    private Unpickler(byte[] data, int position, PickleObjects objects)
    {
        (_data, _position, _objects) = (data, position, objects);
    }

    /// <summary>Reads the pickle that begins at <paramref name="position"/>, and moves it past its end.</summary>
    /// <exception cref="PickleException">It is damaged.</exception>
    public static object? Load(byte[] data, ref int position, PickleObjects objects)
    {
        var unpickler = new Unpickler(data, position, objects);
        try
        {
            object? value = unpickler.Run();
            position = unpickler._position;
            return value;
        }
        catch (FormatException error)
        {
            throw new PickleException(unpickler._code, error.Message);
        }
    }

    /// <summary>A value as a dictionary's key.</summary>
    /// <exception cref="FormatException">It cannot be one.</exception>
    internal static object AsKey(object? value)
    {
        if (value == null) return PickleDictionary.None;
        if (IsShort(value, MostKeyCharacters)) return value;
        if (value is PickleTuple tuple && tuple.Count <= MostKeyItems
            && tuple.All(item => item == null || IsShort(item, MostItemCharacters)))
        {
            return value;
        }
        // Python takes no list or dict as a key. Everything else counts as itself alone, so that comparing keys never walks them.
        return value is List<object?> or PickleDictionary
            ? throw new FormatException($"{Describe(value)} cannot be a key")
            : new PickleKey(value);
    }

    private static bool IsShort(object value, int mostCharacters) => value switch
    {
        string text => text.Length <= mostCharacters,
        PickleGlobal global => global.Module.Length + global.Name.Length <= mostCharacters,
        BigInteger number => number.GetBitLength() <= MostKeyBits,
        _ => value is long or double or bool,
    };

    /// <summary>A value in a few words, such as "a list of 3": of a text or a large number not the contents.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "None",
        string => "a text",
        List<object?> list => $"a list of {list.Count}",
        byte[] bytes => $"{bytes.Length} bytes",
        BigInteger => "a large number",
        bool truth => truth ? "True" : "False",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private object? Run()
    {
        while (true)
        {
            _code = _position;
            byte code = Byte();
            if (code == (byte)'.')
            {
                if (_stack.Count != 1 || _marks.Count != 0) throw new FormatException($"it ends with {_stack.Count} values instead of one");
                return _stack[0];
            }
            Step(code);
        }
    }

    private void Step(byte code)
    {
        switch (code)
        {
            case 0x80:
                int protocol = Byte();
                if (protocol > HighestProtocol) throw new FormatException($"protocol {protocol} is not known");
                break;
            case 0x95:
                // A frame says how much to read ahead.
                if (Int64() > _data.Length - _position) throw new FormatException("a frame is cut off");
                break;
            case (byte)'(':
                _marks.Add(_stack.Count);
                break;
            case (byte)'0':
                if (_marks.Count > 0 && _marks[^1] == _stack.Count) _marks.RemoveAt(_marks.Count - 1);
                else Pop();
                break;
            case (byte)'1':
                PopMark();
                break;
            case (byte)'a':
                AddItems(Pop(1));
                break;
            case (byte)'e' or 0x90:
                AddItems(PopMark());
                break;
            case (byte)'d':
                object?[] pairs = PopMark();
                Push(new PickleDictionary());
                SetItems(pairs);
                break;
            case (byte)'s':
                SetItems(Pop(2));
                break;
            case (byte)'u':
                SetItems(PopMark());
                break;
            case (byte)'p':
                _memo[Number(Line())] = Top();
                break;
            case (byte)'q':
                _memo[Byte()] = Top();
                break;
            case (byte)'r':
                _memo[UInt32()] = Top();
                break;
            case 0x94:
                _memo[_memo.Count] = Top();
                break;
            case (byte)'b':
                SetState(Pop());
                break;
            default:
                Push(ValueOf(code));
                break;
        }
    }

    // What a code puts on the stack that does nothing else.
    private object? ValueOf(byte code) => code switch
    {
        (byte)'N' => null,
        0x88 => true,
        0x89 => false,
        (byte)'I' => Line() switch { "00" => false, "01" => true, var line => Integer(line) },
        (byte)'L' => Integer(Line().TrimEnd('L')),
        (byte)'J' => (long)Int32(),
        (byte)'K' => (long)Byte(),
        (byte)'M' => (long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)),
        0x8a => LittleEndian(Bytes(Byte())),
        0x8b => LittleEndian(Bytes(Length(Int32()))),
        (byte)'F' => Real(Line()),
        (byte)'G' => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)),

        // Texts and bytes.
        (byte)'S' => PickleText.Quoted(LatinLine()),
        (byte)'T' => Encoding.Latin1.GetString(Bytes(Length(Int32()))),
        (byte)'U' => Encoding.Latin1.GetString(Bytes(Byte())),
        (byte)'V' => PickleText.RawUnicode(LatinLine()),
        0x8c => Encoding.UTF8.GetString(Bytes(Byte())),
        (byte)'X' => Encoding.UTF8.GetString(Bytes(Length(UInt32()))),
        0x8d => Encoding.UTF8.GetString(Bytes(Length(Int64()))),
        (byte)'C' => Bytes(Byte()).ToArray(),
        (byte)'B' => Bytes(Length(UInt32())).ToArray(),
        0x8e or 0x96 => Bytes(Length(Int64())).ToArray(),

        // Collections.
        (byte)']' => new List<object?>(),
        (byte)'l' => new List<object?>(PopMark()),
        (byte)')' => new PickleTuple([]),
        (byte)'t' => new PickleTuple(PopMark()),
        0x85 or 0x86 or 0x87 => new PickleTuple(Pop(code - 0x84)),
        (byte)'}' => new PickleDictionary(),
        0x8f => new PickleSet([]),
        0x91 => new PickleSet([.. PopMark()]),

        // What is there already, here or outside.
        (byte)'2' => Top(),
        (byte)'g' => Recall(Number(Line())),
        (byte)'h' => Recall(Byte()),
        (byte)'j' => Recall(UInt32()),
        (byte)'P' => _objects.Load(Line()),
        (byte)'Q' => _objects.Load(Pop()),

        // Classes, and what calling them would make.
        (byte)'c' => new PickleGlobal(Line(), Line()),
        0x93 => Pop(2) is [string module, string name]
            ? new PickleGlobal(module, name)
            : throw new FormatException("a class is named by what is no text"),
        (byte)'R' or 0x81 => Call(Pop(2)),
        0x92 => Call(Pop(3)),
        (byte)'i' => Call(new PickleGlobal(Line(), Line()), new PickleTuple(PopMark())),
        (byte)'o' => PopMark() is [var type, .. var arguments]
            ? Call(type, new PickleTuple(arguments))
            : throw new FormatException("an object has no class"),
        _ => throw new FormatException($"0x{code:x2} is no code of a pickle that can be read"),
    };

    // The callee, its arguments and perhaps a dict of named ones.
    private object? Call(object?[] call) => call is [PickleGlobal global, _, PickleDictionary { Count: > 0 }]
        ? new PickleOpaque(global)
        : Call(call[0], call[1]);

    private object? Call(object? callee, object? arguments) => callee switch
    {
        PickleGlobal global =>
            _objects.Build(global, arguments as PickleTuple ?? throw new FormatException($"{global} is called with what is no tuple")),
        // What an object of an unknown class would give, nobody here can know.
        PickleOpaque opaque => new PickleOpaque(opaque.Type),
        _ => throw new FormatException($"it calls {Describe(callee)}"),
    };

    private void SetState(object? state)
    {
        // Data that was made here has no state that matters: torch hangs a dict of versions on its state dicts.
        if (Top() is null or string or long or BigInteger or double or bool or PickleGlobal)
        {
            throw new FormatException($"{Describe(Top())} is given a state");
        }
        if (Top() is PickleOpaque opaque) opaque.State = state;
    }

    private void AddItems(object?[] items)
    {
        switch (Top())
        {
            case List<object?> list:
                list.AddRange(items);
                break;
            case PickleSet set:
                set.Items.AddRange(items);
                break;
            case PickleOpaque:
                break;
            default:
                throw new FormatException($"{Describe(Top())} stands where a list is needed");
        }
    }

    private void SetItems(object?[] pairs)
    {
        if (pairs.Length % 2 != 0) throw new FormatException("a key has no value");
        PickleDictionary dictionary = Top() switch
        {
            PickleDictionary made => made,
            PickleOpaque opaque => opaque.Entries ??= new PickleDictionary(),
            _ => throw new FormatException($"{Describe(Top())} stands where a dict is needed"),
        };
        for (int i = 0; i < pairs.Length; i += 2) dictionary.Set(AsKey(pairs[i]), pairs[i + 1]);
    }

    private object? Recall(long key) =>
        _memo.TryGetValue(key, out object? value) ? value : throw new FormatException($"it refers to value {key}, which it has not kept");

    // ---- the stack
    private void Push(object? value) => _stack.Add(value);

    private int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    private object? Top() => _stack.Count > Floor ? _stack[^1] : throw new FormatException("a value is missing");

    private object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] Pop(int count)
    {
        if (_stack.Count - Floor < count) throw new FormatException("a value is missing");
        return Take(_stack.Count - count);
    }

    private object?[] PopMark()
    {
        if (_marks.Count == 0) throw new FormatException("a mark is missing");
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        return Take(mark);
    }

    private object?[] Take(int from)
    {
        object?[] values = [.. _stack[from..]];
        _stack.RemoveRange(from, values.Length);
        return values;
    }

    // ---- the bytes
    private byte Byte() => _position < _data.Length ? _data[_position++] : throw new FormatException("it is cut off");

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > _data.Length - _position) throw new FormatException("it is cut off");
        _position += count;
        return _data.AsSpan(_position - count, count);
    }

    private int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    private long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));

    private int Length(long count) =>
        count >= 0 && count <= _data.Length - _position ? (int)count : throw new FormatException("it is cut off");

    private string Line() => Encoding.UTF8.GetString(LineBytes());

    private string LatinLine() => Encoding.Latin1.GetString(LineBytes());

    private ReadOnlySpan<byte> LineBytes()
    {
        int end = Array.IndexOf(_data, (byte)'\n', _position);
        if (end < 0) throw new FormatException("it is cut off");
        ReadOnlySpan<byte> line = Bytes(end - _position);
        _position++;
        return line.TrimEnd((byte)'\r');
    }

    private static long Number(string line) => long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
        ? number
        : throw new FormatException("a number cannot be read");

    private static double Real(string line) =>
        double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new FormatException("a number cannot be read");

    private static object Integer(string line) =>
        line.Length <= MostDigits
        && BigInteger.TryParse(line, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger number)
            ? Narrow(number)
            : throw new FormatException("a number cannot be read");

    private static object LittleEndian(ReadOnlySpan<byte> bytes) => Narrow(new BigInteger(bytes));

    private static object Narrow(BigInteger number)
    {
        bool fits = number >= long.MinValue && number <= long.MaxValue;
        object value = fits ? (object)(long)number : number;
        return value;
    }
}

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
            case (byte)'2':
                Push(Top());
                break;
            default:
                if (!PushNumber(code) && !PushText(code) && !Collect(code) && !Remember(code) && !Refer(code))
                {
                    throw new FormatException($"0x{code:x2} is no code of a pickle that can be read");
                }
                break;
        }
    }

    private bool PushNumber(byte code)
    {
        switch (code)
        {
            case (byte)'N':
                Push(null);
                return true;
            case 0x88:
                Push(true);
                return true;
            case 0x89:
                Push(false);
                return true;
            case (byte)'I':
                string line = Line();
                Push(line switch { "00" => false, "01" => true, _ => Integer(line) });
                return true;
            case (byte)'L':
                Push(Integer(Line().TrimEnd('L')));
                return true;
            case (byte)'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(4)));
                return true;
            case (byte)'K':
                Push((long)Byte());
                return true;
            case (byte)'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2)));
                return true;
            case 0x8a:
                Push(LittleEndian(Bytes(Byte())));
                return true;
            case 0x8b:
                Push(LittleEndian(Bytes(Length(BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))))));
                return true;
            case (byte)'F':
                if (!double.TryParse(Line(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number))
                {
                    throw new FormatException("a number cannot be read");
                }
                Push(number);
                return true;
            case (byte)'G':
                Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)));
                return true;
            default:
                return false;
        }
    }

    private bool PushText(byte code)
    {
        switch (code)
        {
            case (byte)'S':
                Push(PickleText.Quoted(LatinLine()));
                return true;
            case (byte)'T':
                Push(Encoding.Latin1.GetString(Bytes(Length(BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))))));
                return true;
            case (byte)'U':
                Push(Encoding.Latin1.GetString(Bytes(Byte())));
                return true;
            case (byte)'V':
                Push(PickleText.RawUnicode(LatinLine()));
                return true;
            case 0x8c:
                Push(Encoding.UTF8.GetString(Bytes(Byte())));
                return true;
            case (byte)'X':
                Push(Encoding.UTF8.GetString(Bytes(Length(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))))));
                return true;
            case 0x8d:
                Push(Encoding.UTF8.GetString(Bytes(Length(Int64()))));
                return true;
            case (byte)'C':
                Push(Bytes(Byte()).ToArray());
                return true;
            case (byte)'B':
                Push(Bytes(Length(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4)))).ToArray());
                return true;
            case 0x8e or 0x96:
                Push(Bytes(Length(Int64())).ToArray());
                return true;
            default:
                return false;
        }
    }

    private bool Collect(byte code)
    {
        switch (code)
        {
            case (byte)']':
                Push(new List<object?>());
                return true;
            case (byte)'l':
                Push(new List<object?>(PopMark()));
                return true;
            case (byte)'a':
                AddItems(Pop(1));
                return true;
            case (byte)'e':
                AddItems(PopMark());
                return true;
            case (byte)')':
                Push(new PickleTuple([]));
                return true;
            case (byte)'t':
                Push(new PickleTuple(PopMark()));
                return true;
            case 0x85 or 0x86 or 0x87:
                Push(new PickleTuple(Pop(code - 0x84)));
                return true;
            case (byte)'}':
                Push(new PickleDictionary());
                return true;
            case (byte)'d':
                object?[] pairs = PopMark();
                Push(new PickleDictionary());
                SetItems(pairs);
                return true;
            case (byte)'s':
                SetItems(Pop(2));
                return true;
            case (byte)'u':
                SetItems(PopMark());
                return true;
            case 0x8f:
                Push(new PickleSet([]));
                return true;
            case 0x90:
                AddItems(PopMark());
                return true;
            case 0x91:
                Push(new PickleSet([.. PopMark()]));
                return true;
            default:
                return false;
        }
    }

    private bool Remember(byte code)
    {
        switch (code)
        {
            case (byte)'p':
                _memo[Number(Line())] = Top();
                return true;
            case (byte)'q':
                _memo[Byte()] = Top();
                return true;
            case (byte)'r':
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))] = Top();
                return true;
            case 0x94:
                _memo[_memo.Count] = Top();
                return true;
            case (byte)'g':
                Push(Recall(Number(Line())));
                return true;
            case (byte)'h':
                Push(Recall(Byte()));
                return true;
            case (byte)'j':
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4))));
                return true;
            default:
                return false;
        }
    }

    private bool Refer(byte code)
    {
        switch (code)
        {
            case (byte)'c':
                string module = Line();
                Push(new PickleGlobal(module, Line()));
                return true;
            case 0x93:
                object?[] names = Pop(2);
                if (names is not [string stackModule, string stackName]) throw new FormatException("a class is named by what is no text");
                Push(new PickleGlobal(stackModule, stackName));
                return true;
            case (byte)'R' or 0x81:
                object?[] call = Pop(2);
                Push(Call(call[0], call[1]));
                return true;
            case 0x92:
                object?[] keywords = Pop(3);
                bool named = keywords[2] is PickleDictionary { Count: > 0 };
                Push(named && keywords[0] is PickleGlobal keyworded ? new PickleOpaque(keyworded) : Call(keywords[0], keywords[1]));
                return true;
            case (byte)'i':
                string ofModule = Line();
                var type = new PickleGlobal(ofModule, Line());
                Push(Call(type, new PickleTuple(PopMark())));
                return true;
            case (byte)'o':
                object?[] parts = PopMark();
                if (parts.Length == 0) throw new FormatException("an object has no class");
                Push(Call(parts[0], new PickleTuple(parts[1..])));
                return true;
            case (byte)'b':
                object? state = Pop();
                // Data that was made here has no state that matters: torch hangs a dict of versions on its state dicts.
                if (Top() is null or string or long or BigInteger or double or bool or PickleGlobal)
                {
                    throw new FormatException($"{Describe(Top())} is given a state");
                }
                if (Top() is PickleOpaque opaque) opaque.State = state;
                return true;
            case (byte)'P':
                Push(_objects.Load(Line()));
                return true;
            case (byte)'Q':
                Push(_objects.Load(Pop()));
                return true;
            default:
                return false;
        }
    }

    private object? Call(object? callee, object? arguments) => callee switch
    {
        PickleGlobal global =>
            _objects.Build(global, arguments as PickleTuple ?? throw new FormatException($"{global} is called with what is no tuple")),
        // What an object of an unknown class would give, nobody here can know.
        PickleOpaque opaque => new PickleOpaque(opaque.Type),
        _ => throw new FormatException($"it calls {Describe(callee)}"),
    };

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

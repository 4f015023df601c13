using System.Collections.Immutable;
using Spos.Engine.Autograd;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Tensors;

namespace Spos.Engine.Plans;

/// <summary>
/// Notes what a session's ops launch and rent, segment by segment. While it does, tensors have sizes and no memory.
/// </summary>
internal sealed unsafe class Recording(Session session) : IRecording, IDisposable
{
    /// <summary>The places of <see cref="Variables"/>.</summary>
    public const int Accumulate = 0, Momentum = 1, Share = 2;

    // No device has memory there.
    private const ulong FirstAddress = 1UL << 60;

    private readonly List<PlannedBuffer> _buffers = [];
    private readonly List<IDisposable> _kept = [];
    private readonly Dictionary<int, int> _sameAs = [];
    private readonly Dictionary<ulong, int> _replaced = [];
    private readonly List<int> _varying = [];
    private ulong _nextAddress = FirstAddress;
    private SegmentNotes _notes = new();
    private (int Block, int Alternative)? _owner;
    private bool _isAlone;
    private int _turn, _now;

    /// <summary>The kernels' parameters whose values change from run to run, by name.</summary>
    public static ImmutableArray<string> Variables { get; } = ["accumulate", "momentum", "share"];

    public IReadOnlyList<PlannedBuffer> Buffers => _buffers;

    /// <summary>The number of the plan's buffer that a tensor lies in.</summary>
    public int NumberOf(ulong address) => Find(address) ?? throw new ArgumentException("The address is none of the plan's.");

    /// <summary>Has launches use, in place of an array that lies on the device, whatever whoever runs the plan brings.</summary>
    /// <returns>The number of the buffer that stands for it.</returns>
    public int Replace(Tensor array)
    {
        Make(session.Pool, array.Shape.Count * array.ElementType.Size, null);
        _replaced.Add(array.Address, _buffers.Count - 1);
        return _buffers.Count - 1;
    }

    /// <summary>Notes what <paramref name="issue"/> launches, in a turn of its own.</summary>
    public SegmentNotes Record(Action issue) => Record(_turn++, null, isAlone: true, issue);

    /// <summary>Begins a turn, in which a path takes one of several alternatives.</summary>
    public int BeginTurn() => _turn++;

    /// <summary>Notes what an alternative launches in a turn.</summary>
    /// <param name="isAlone">Whether the block has no other.</param>
    public SegmentNotes Record(int turn, (int Block, int Alternative)? owner, bool isAlone, Action issue)
    {
        _notes = new SegmentNotes();
        (_owner, _isAlone, _now) = (owner, isAlone, turn);
        List<Action>? outer = session.HostEffects;
        session.Recording = this;
        session.HostEffects = _notes.HostEffects;
        try
        {
            issue();
        }
        finally
        {
            session.HostEffects = outer;
            session.Recording = null;
        }
        return _notes;
    }

    /// <summary>
    /// The reference to what a turn before has made, for one of several alternatives that each take it over: a tensor of its own.
    /// </summary>
    public Tensor TakeOver(Tensor made) =>
        new(BufferAt(session.Pool, _buffers[NumberOf(made.Address)]), made.Shape, type: made.ElementType);

    /// <summary>Hands what an alternative has made to whoever takes it over in a later turn.</summary>
    /// <param name="first">What the block's first alternative has made, in whose place it lies; null for that itself.</param>
    public Tensor HandOver(Tensor made, Tensor? first)
    {
        int number = NumberOf(made.Address);
        if (_buffers[number].Owner != _owner)
        {
            throw new NotSupportedException("An operation of a block hands on what it was given: it has to make a result of its own.");
        }
        if (made.IsHeldBesides)
        {
            // By the backward steps of its own alternative.
            _notes.Events.Add(new Event(EventKind.Retain, number));
            Tensor another = TakeOver(made);
            made.Dispose();
            made = another;
        }
        int canonical = first is { } one ? NumberOf(one.Address) : number;
        if (first != null) _sameAs[number] = canonical;
        MakeCommon(canonical, _buffers[number].Birth);
        return first ?? made;
    }

    // A buffer that is handed from one alternative to others is everybody's.
    private void MakeCommon(int number, Moment birth)
    {
        PlannedBuffer old = _buffers[number];
        Moment from = _isAlone ? birth : new Moment(birth.Turn, 0);
        if (old.Owner == null)
        {
            if (from.CompareTo(old.Birth) < 0) old.Birth = from;
            return;
        }
        _buffers[number] = new PlannedBuffer(old.Address, old.Size, null, from) { Death = old.Death };
    }

    DeviceBuffer IRecording.Rent(BufferPool pool, long bytes)
    {
        DeviceBuffer buffer = Make(pool, Math.Max(bytes, 1), _owner);
        _notes.Events.Add(new Event(EventKind.Rent, _buffers.Count - 1));
        return buffer;
    }

    void IRecording.Return(DeviceBuffer buffer)
    {
        int number = NumberOf(buffer.Memory);
        _notes.Events.Add(new Event(EventKind.Return, number));
        PlannedBuffer planned = _buffers[Canonical(number)];
        Moment now = planned.Owner == null && !_isAlone ? new Moment(_now, int.MaxValue) : new Moment(_now, _notes.Events.Count);
        if (planned.Death == Moment.Never || planned.Death.CompareTo(now) < 0) planned.Death = now;
    }

    void IRecording.Launch(int kernel, GridSize grid, void** arguments)
    {
        KernelCatalogue.Entry entry = KernelCatalogue.Entries[kernel];
        (int firstValue, int firstPlace, int firstVariable) = (_notes.Values.Count, _notes.Places.Count, _notes.Variables.Count);
        for (int i = 0; i < entry.Parameters.Count; i++)
        {
            ulong value = entry.Parameters[i].Size == sizeof(int) ? *(uint*)arguments[i] : *(ulong*)arguments[i];
            if (entry.Parameters[i].Kind == KernelParameterKind.Pointer) Note(value);
            foreach (int variable in _varying)
            {
                if (entry.Parameters[i].Name == Variables[variable]) _notes.Variables.Add((_notes.Values.Count, variable));
            }
            _notes.Values.Add(value);
        }
        if (_notes.Variables.Count - firstVariable != _varying.Count)
        {
            throw new InvalidOperationException($"{entry.Name} lacks one of {string.Join(", ", _varying.Select(v => Variables[v]))}.");
        }
        _varying.Clear();
        _notes.Events.Add(new Event(EventKind.Launch, kernel, grid, firstValue, firstPlace, _notes.Places.Count - firstPlace));
    }

    void IRecording.Call(ReadOnlySpan<ulong> addresses, LibraryCall call)
    {
        (int firstValue, int firstPlace) = (_notes.Values.Count, _notes.Places.Count);
        foreach (ulong address in addresses)
        {
            Note(address);
            _notes.Values.Add(address);
        }
        _notes.Events.Add(
            new Event(EventKind.Call, addresses.Length, default, firstValue, firstPlace, _notes.Places.Count - firstPlace, call));
    }

    void IRecording.Vary(string parameter)
    {
        int variable = Variables.IndexOf(parameter);
        if (variable < 0) throw new ArgumentException($"'{parameter}' does not change from run to run.", nameof(parameter));
        _varying.Add(variable);
    }

    void IRecording.Keep(IDisposable kept) => _kept.Add(kept);

    /// <summary>The segments, once all are recorded.</summary>
    public Segment Finish(SegmentNotes notes)
    {
        for (int i = 0; i < notes.Places.Count; i++) notes.Places[i] = notes.Places[i] with { Buffer = Canonical(notes.Places[i].Buffer) };
        for (int i = 0; i < notes.Events.Count; i++)
        {
            if (notes.Events[i] is { Kind: EventKind.Rent or EventKind.Retain or EventKind.Return } change)
            {
                notes.Events[i] = change with { Subject = Canonical(change.Subject) };
            }
        }
        return new Segment(notes);
    }

    public void Dispose()
    {
        foreach (IDisposable kept in _kept) kept.Dispose();
    }

    /// <summary>The number of the buffer in whose place a buffer lies; its own if that is none other's.</summary>
    public int Canonical(int number) => _sameAs.GetValueOrDefault(number, number);

    private DeviceBuffer Make(BufferPool pool, long bytes, (int, int)? owner)
    {
        var planned = new PlannedBuffer(_nextAddress, bytes, owner, new Moment(_now, _notes.Events.Count));
        _buffers.Add(planned);
        // Whole pages, and one between two.
        _nextAddress += (ulong)((bytes + 4095) / 4096 + 1) * 4096;
        return BufferAt(pool, planned);
    }

    // For one holder.
    private DeviceBuffer BufferAt(BufferPool pool, PlannedBuffer planned) =>
        new DeviceBuffer(pool, planned.Address, planned.Size) { Recording = this }.Begin();

    private void Note(ulong address)
    {
        if (Find(address) is { } buffer) _notes.Places.Add(new Place(_notes.Values.Count, buffer, address - _buffers[buffer].Address));
        else if (_replaced.TryGetValue(address, out int brought)) _notes.Places.Add(new Place(_notes.Values.Count, brought, 0));
    }

    private int? Find(ulong address)
    {
        if (address < FirstAddress) return null;
        int low = 0, high = _buffers.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_buffers[middle].Address <= address) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }
}

using Spos.Engine.Devices;
using Spos.Engine.Kernels;

namespace Spos.Engine.Plans;

/// <summary>
/// What one part of a network launches, with all arguments but the addresses of what the plan keeps or is given: those are put in when it
/// is issued, which costs next to nothing and no managed memory.
/// </summary>
internal sealed unsafe class Segment
{
    // Arguments of all launches and calls, one after the other, 8 bytes each; and where each of them lies.
    private readonly ulong[] _values;
    private readonly nint[] _pointers;
    private readonly Event[] _events;
    private readonly Place[] _places;
    private readonly (int Value, int Variable)[] _variables;
    private readonly Action[] _hostEffects;

    public Segment(SegmentNotes notes)
    {
        // They do not move, so that their addresses can be kept.
        _values = GC.AllocateArray<ulong>(notes.Values.Count, pinned: true);
        notes.Values.CopyTo(_values);
        _pointers = GC.AllocateArray<nint>(_values.Length, pinned: true);
        for (int i = 0; i < _values.Length; i++) _pointers[i] = (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _values[i]);
        (_events, _places, _variables, _hostEffects) = ([.. notes.Events], [.. notes.Places], [.. notes.Variables], [.. notes.HostEffects]);
    }

    /// <summary>What the segment does on the host each time that it is issued.</summary>
    public ReadOnlySpan<Action> HostEffects => _hostEffects;

    /// <summary>Issues the launches.</summary>
    /// <param name="addresses">Where each buffer of the plan is.</param>
    /// <param name="variables">The values of what changes from run to run.</param>
    /// <param name="renting">Is told when a buffer is first needed and when no longer; null if all have memory.</param>
    public void Issue(DeviceStream stream, ulong[] addresses, ReadOnlySpan<ulong> variables, IBufferRenting? renting)
    {
        foreach ((int value, int variable) in _variables) _values[value] = variables[variable];
        fixed (nint* pointers = _pointers)
        {
            foreach (ref readonly Event current in _events.AsSpan())
            {
                switch (current.Kind)
                {
                    case EventKind.Launch:
                        PutIn(current, addresses);
                        LaunchGrid.Of(stream, current.Grid).Issue(current.Subject, (void**)(pointers + current.FirstValue));
                        break;
                    case EventKind.Call:
                        PutIn(current, addresses);
                        stream.Device.MakeCurrent();
                        current.Call!(_values.AsSpan(current.FirstValue, current.Subject));
                        break;
                    case EventKind.Rent:
                        renting?.Rent(current.Subject);
                        break;
                    case EventKind.Retain:
                        renting?.Retain(current.Subject);
                        break;
                    default:
                        renting?.Return(current.Subject);
                        break;
                }
            }
        }
    }

    /// <summary>Adds the launches to what is done for each image.</summary>
    /// <param name="addresses">Where each buffer of the plan is, for the first thread and the first image.</param>
    /// <param name="bytesPerImage">By buffer: how far it is from an image's to the next one's; null for the plan's own memory.</param>
    public void AddTo(ImageSequence sequence, ulong[] addresses, ReadOnlySpan<ulong> variables, ulong?[] bytesPerImage)
    {
        foreach ((int value, int variable) in _variables) _values[value] = variables[variable];
        foreach (ref readonly Event current in _events.AsSpan())
        {
            if (current.Kind is EventKind.Rent or EventKind.Retain or EventKind.Return) continue;
            if (current.Kind != EventKind.Launch) throw new NotSupportedException("A library works on whole batches.");
            PutIn(current, addresses);
            foreach (ref readonly Place place in _places.AsSpan(current.FirstPlace, current.Places))
            {
                sequence.AddAddress(place.Value - current.FirstValue, bytesPerImage[place.Buffer]);
            }
            int count = KernelCatalogue.Entries[current.Subject].Parameters.Count;
            sequence.Add(current.Grid, current.Subject, _values.AsSpan(current.FirstValue, count));
        }
    }

    private void PutIn(in Event current, ulong[] addresses)
    {
        foreach (ref readonly Place place in _places.AsSpan(current.FirstPlace, current.Places))
        {
            _values[place.Value] = addresses[place.Buffer] + place.Offset;
        }
    }
}

/// <summary>Gives buffers of a plan memory one by one, for devices on which each has its own.</summary>
internal interface IBufferRenting
{
    void Rent(int buffer);

    void Retain(int buffer);

    void Return(int buffer);
}

internal enum EventKind
{
    /// <summary>A launch; the subject is the kernel.</summary>
    Launch,

    /// <summary>A call of a library; the subject is the number of its addresses.</summary>
    Call,

    /// <summary>A buffer is rented; it is the subject.</summary>
    Rent,

    /// <summary>A buffer has one more holder.</summary>
    Retain,

    /// <summary>A buffer has one holder less.</summary>
    Return,
}

/// <summary>What happens at one moment of a segment.</summary>
/// <param name="FirstValue">Of the arguments of a launch, or of the addresses of a call.</param>
/// <param name="FirstPlace">Of the arguments that are addresses of the plan's buffers.</param>
/// <param name="Places">How many there are.</param>
internal readonly record struct Event(
    EventKind Kind, int Subject, GridSize Grid = default, int FirstValue = 0, int FirstPlace = 0,
    int Places = 0, LibraryCall? Call = null);

/// <summary>An argument that is an address: so many bytes from the start of a buffer.</summary>
internal readonly record struct Place(int Value, int Buffer, ulong Offset);

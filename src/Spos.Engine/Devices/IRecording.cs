namespace Spos.Engine.Devices;

/// <summary>Has a library issue work.</summary>
/// <param name="addresses">Of what it works on.</param>
internal delegate void LibraryCall(ReadOnlySpan<ulong> addresses);

/// <summary>
/// Notes what ops would do on a device, in place of doing it: their launches, and the memory that they rent and give back. It is set on a
/// stream and on a pool while a plan is made.
/// </summary>
internal unsafe interface IRecording
{
    /// <summary>A buffer that has no memory yet. Its address is none of the device's.</summary>
    DeviceBuffer Rent(BufferPool pool, long bytes);

    /// <summary>Nobody holds the buffer any longer.</summary>
    void Return(DeviceBuffer buffer);

    /// <summary>A launch.</summary>
    /// <param name="kernel">Its place in the catalogue.</param>
    /// <param name="arguments">As cuLaunchKernel takes them: where each of the kernel's parameters is.</param>
    void Launch(int kernel, GridSize grid, void** arguments);

    /// <summary>The call of a library.</summary>
    /// <param name="addresses">Of what it works on.</param>
    /// <param name="call">Is given where these are by then.</param>
    void Call(ReadOnlySpan<ulong> addresses, LibraryCall call);

    /// <summary>The parameter of that name of the next launch is another one from run to run.</summary>
    void Vary(string parameter);

    /// <summary>Keeps something that the launches use for as long as the plan.</summary>
    void Keep(IDisposable kept);
}

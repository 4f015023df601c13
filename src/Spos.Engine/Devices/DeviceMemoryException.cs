namespace Spos.Engine.Devices;

/// <summary>
/// A device's memory does not suffice. What was rented for the work that failed has been given back, so that smaller work can go on.
/// </summary>
public sealed class DeviceMemoryException : SposException
{
    private readonly string _facts;

    /// <param name="asked">Bytes that were asked for; 0 if a library asked, which does not tell.</param>
    /// <param name="inUse">Bytes that the same work holds.</param>
    /// <param name="kept">Bytes that were kept for reuse, and were given back in vain.</param>
    internal DeviceMemoryException(Device device, long asked, long inUse, long kept)
        : this(Facts(device, asked, inUse, kept), "Try a smaller batch, picture or network.", null)
    {
        (Asked, InUse, Kept) = (asked, inUse, kept);
    }

    private DeviceMemoryException(string facts, string advice, Exception? cause)
        : base($"{facts} {advice}", cause)
    {
        _facts = facts;
    }

    public long Asked { get; private init; }

    public long InUse { get; private init; }

    public long Kept { get; private init; }

    /// <summary>The option that makes the batch smaller, if it says one.</summary>
    public string? Option { get; private init; }

    /// <summary>The same, for somebody who knows the batch.</summary>
    /// <param name="batch">Pictures of the batch that did not fit; null if that is not known.</param>
    /// <param name="fits">Pictures of one that should; null if that is not known, 0 if none does.</param>
    /// <param name="option">The option that says how many pictures a batch has.</param>
    internal DeviceMemoryException ForBatch(int? batch, int? fits, string option)
    {
        string advice = fits switch
        {
            null when batch == null => $"Try a smaller {option}.",
            null => $"The batch has {batch} pictures: try a smaller {option}.",
            0 => "Not even the smallest batch fits: take smaller pictures or a smaller network.",
            _ => $"A batch of {batch} pictures does not fit, one of {fits} should: {option} {fits}.",
        };
        return new DeviceMemoryException(_facts, advice, this) { Asked = Asked, InUse = InUse, Kept = Kept, Option = option };
    }

    /// <summary>The message's words for the memory of a device.</summary>
    private static string Facts(Device device, long asked, long inUse, long kept)
    {
        (long free, long total) = device.ReadMemory();
        string given = kept > 0 ? $", and {Shown.Bytes(kept)} that was kept for reuse was given back in vain" : "";
        string used = $"of {Shown.Bytes(total)} in all {Shown.Bytes(total - free)} is in use, {Shown.Bytes(inUse)} of it by the same work";
        string wanted = asked > 0 ? $"{Shown.Bytes(asked)} was asked for; " : "";
        return $"{device.MemoryName} is full: {wanted}{used}{given}.";
    }
}

using Spos.Engine.Autograd;
using Spos.Engine.Tensors;

namespace Spos.Engine.Data;

/// <summary>
/// A batch while it is read: pictures are added one by one and decoded, in parts, so that not all of a batch of large ones are in memory
/// at once. What waits to be decoded has at most <see cref="PictureDecoder.PartBytes"/> and a picture's: in memory of the host, or of the
/// device if that has decoded it (<paramref name="onDevice"/>), beside what decoding takes there.
/// </summary>
/// <param name="capacity">The most pictures that are added.</param>
/// <param name="onDevice">What decodes pictures on the device, and reads their files until it is done; null if nothing does.</param>
internal sealed class PictureBatch(
    Session session, PictureDecoder decoder, int capacity, int size, Preprocessing preprocessing, bool fixedPoint,
    NvJpegDecoder? onDevice = null) : IDisposable
{
    private readonly ImageTransformRecord[] _transforms = new ImageTransformRecord[capacity];
    private readonly List<CompressedPicture> _waiting = [];
    private Tensor? _batch;
    private long _waitingBytes;

    /// <summary>Pictures that were added.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a picture and takes it over: it is disposed of once it is decoded.</summary>
    public void Add(CompressedPicture picture, in ImageTransformRecord transform)
    {
        _waiting.Add(picture);
        _waitingBytes += picture.Bytes;
        _transforms[Count++] = transform;
        if (_waitingBytes >= decoder.PartBytes) DecodeWaiting();
    }

    /// <summary>The batch, [Count, size, size, 3], normalised. Of at least one picture.</summary>
    public Tensor Finish()
    {
        DecodeWaiting();
        return _batch!.Value.View(new Shape(Count, size, size, 3));
    }

    public void Dispose()
    {
        onDevice?.Drain();
        LetGo();
        _batch?.Dispose();
    }

    private void DecodeWaiting()
    {
        if (_waiting.Count == 0) return;
        int first = Count - _waiting.Count;
        Tensor batch = _batch ??= session.Rent(new Shape(capacity, size, size, 3));
        using Tensor part = batch.View(batch.Shape with { N = _waiting.Count }, (long)first * size * size * 3);
        decoder.DecodeTo(part, _waiting, _transforms.AsSpan(first, _waiting.Count), preprocessing, fixedPoint);
        onDevice?.Wait();
        LetGo();
    }

    private void LetGo()
    {
        foreach (CompressedPicture picture in _waiting) picture.Dispose();
        _waiting.Clear();
        _waitingBytes = 0;
    }
}

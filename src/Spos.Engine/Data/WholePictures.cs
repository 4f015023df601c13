using Spos.Engine.Autograd;
using Spos.Engine.Devices;

namespace Spos.Engine.Data;

/// <summary>Pictures of a data set as they are, one after the other: for what preprocesses them itself.</summary>
public sealed class WholePictures : IDisposable
{
    private readonly Session _session;
    private readonly PictureDecoder _decoder;
    private readonly PictureReader _reader;

    /// <param name="damage">Told of those that cannot be decoded.</param>
    public WholePictures(Device device, ImageFolder pictures, DamageReport damage)
    {
        _session = new Session(device);
        _decoder = new PictureDecoder(_session);
        _reader = new PictureReader(pictures, leaveOutDamaged: true, damage);
    }

    /// <summary>A picture's size and its levels, [height][width][3] bytes: red, green, blue. Null if it cannot be decoded.</summary>
    public (int Width, int Height, byte[] Levels)? Read(int sample)
    {
        using CompressedPicture? picture = _reader.Read(sample);
        return picture == null ? null : (picture.Width, picture.Height, _decoder.DecodeWhole(picture));
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _session.Dispose();
    }
}

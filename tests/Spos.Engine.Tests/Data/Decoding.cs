using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;

namespace Spos.Engine.Tests.Data;

/// <summary>A decoder on a device of its own, whose memory is poisoned.</summary>
internal sealed class Decoding : IDisposable
{
    private readonly TestDevice _device;
    private readonly Session _session;

    public Decoding(string device)
    {
        _device = TestDevice.Open(device);
        _session = new Session(_device.Device);
        _session.Pool.Poison = true;
        Decoder = new PictureDecoder(_session);
    }

    public PictureDecoder Decoder { get; }

    /// <summary>A whole JPEG, whose sides are halved so often.</summary>
    public static CompressedPicture Halved(byte[] file, int halvings) => CompressedPicture.Decode(file, "test", (width, height) =>
        new PictureView(
            new PictureRegion(0, PictureView.Halved(width, halvings), 0, PictureView.Halved(height, halvings)), halvings));

    /// <summary>The network's input.</summary>
    public float[] Input(
        CompressedPicture picture, ImageTransformRecord transform, int size, Preprocessing preprocessing = Preprocessing.Standard,
        bool fixedPoint = false)
    {
        using Tensor batch = Decoder.Decode([picture], [transform], size, preprocessing, fixedPoint);
        return batch.Download(_session.Stream);
    }

    public void Dispose()
    {
        Decoder.Dispose();
        _session.Dispose();
        _device.Dispose();
    }
}

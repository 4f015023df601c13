using SkiaSharp;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Kernels;
using Spos.Engine.Native;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Data;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Devices;

/// <summary>What is disposed of on a device that has failed: what was thrown is told, and nothing in its place.</summary>
public sealed class EndTests
{
    private const int Size = 32;

    [Fact]
    public unsafe void Ends_throw_nothing_in_the_place_of_what_failed()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        using var standIn = new StandInNvJpeg(test.Device);
        var session = new Session(test.Device);
        var reader = new Session(test.Device);
        var staging = new StagingBuffer(test.Device);
        var decoder = new NvJpegDecoder(session, StandInNvJpeg.Library);
        var pictureDecoder = new PictureDecoder(session);
        var pictures = new PictureBatch(session, pictureDecoder, 1, Size, Preprocessing.Standard, fixedPoint: false, decoder);
        CompressedPicture picture = decoder.TryDecode(JpegTests.Encode(40, 30, SKJpegEncoderDownsample.Downsample420, 85))!;
        pictures.Add(picture, Transforms.Validation(picture.Width, picture.Height, Size));
        var batch = new Batch(session, session.Rent(new Shape(1, Size, Size, 3)), new DeviceArray<int>(session.Pool, 1));
        batch.ReadOn(reader.Stream);
        using var target = new DeviceArray<byte>(session.Pool, 16);
        _ = staging.Begin(16);
        staging.CopyTo(target.Address, 16, session.Stream);
        Fail(session);
        _ = Assert.Throws<DeviceException>(session.Stream.Synchronize);
        foreach (IDisposable end in new IDisposable[] { batch, pictures, decoder, pictureDecoder, staging, reader, session }) end.Dispose();
        Assert.Equal(0, standIn.Open);
    }

    [Fact]
    public void A_failure_that_nobody_was_told_of_is_told_by_the_session_that_ends()
    {
        using TestDevice test = TestDevice.Open("simt 1");
        var session = new Session(test.Device);
        Fail(session);
        Assert.Contains("relu_forward", Assert.Throws<DeviceException>(session.Dispose).Message, StringComparison.Ordinal);
        Assert.True(session.Stream.IsDisposed);
    }

    // A kernel that reads after the end of what it is given.
    private static void Fail(Session session)
    {
        DeviceBuffer buffer = session.Pool.Rent(256);
        session.Grid(2).ReluForward(
            new DeviceSpan<float>(buffer.Device, buffer.Pointer, 64), new DeviceSpan<float>(buffer.Device, buffer.Pointer + 64, 64),
            64, 32);
    }
}

using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Tensors;
using Spos.Engine.Tests.Devices;
using Spos.Engine.Tests.Native;

namespace Spos.Engine.Tests.Data;

/// <summary>The conversion of full-size planes to RGB: kernel jpeg_to_rgb.</summary>
public sealed unsafe class ColourConversionTests
{
    private const int Width = 40, Height = 16, Pixels = Width * Height;

    [Theory]
    [OnEachDevice]
    public void It_follows_jfif(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using var session = new Session(device.Device);
        byte[] planes = Planes(), rgb = new byte[4 * Pixels];
        using (DeviceArray<byte> result = Convert(session, planes)) result.Download(session.Stream, rgb);
        for (int i = 0; i < Pixels; i++)
        {
            // JPEG File Interchange Format 1.02, page 4.
            double y = planes[i], blue = planes[Pixels + i] - 128, red = planes[2 * Pixels + i] - 128;
            AssertLevel(y + 1.402 * red, rgb[4 * i]);
            AssertLevel(y - 0.34414 * blue - 0.71414 * red, rgb[4 * i + 1]);
            AssertLevel(y + 1.772 * blue, rgb[4 * i + 2]);
        }
    }

    [NppFact]
    public void It_agrees_with_npp()
    {
        Npp npp = Npp.TryLoad() ?? throw new DllNotFoundException("libnppicc.so");
        using var session = new Session(Device.Cuda);
        byte[] planes = Planes(), own = new byte[4 * Pixels], theirs = new byte[3 * Pixels];
        using (DeviceArray<byte> result = Convert(session, planes)) result.Download(session.Stream, own);
        using var source = new DeviceArray<byte>(session.Pool, planes.Length);
        using var target = new DeviceArray<byte>(session.Pool, theirs.Length);
        source.Upload(session.Stream, planes);
        ulong* pointers = stackalloc ulong[] { source.Address, source.Address + Pixels, source.Address + 2 * Pixels };
        Assert.Equal(0, npp.YccToRgb(
            pointers, Width, target.Address, 3 * Width, new Npp.Size(Width, Height),
            new Npp.StreamContext { Stream = session.Stream.Handle }));
        target.Download(session.Stream, theirs);
        for (int i = 0; i < theirs.Length; i++) Assert.InRange(own[i / 3 * 4 + i % 3] - theirs[i], -1, 1);
    }

    private static void AssertLevel(double expected, byte level) => Assert.InRange(level - Math.Clamp(expected, 0, 255), -0.51, 0.51);

    private static byte[] Planes()
    {
        var random = new CounterRandom(5, RandomPurpose.Drawing, 0);
        byte[] planes = new byte[3 * Pixels];
        for (int i = 0; i < planes.Length; i++) planes[i] = (byte)random.NextBits();
        return planes;
    }

    private static DeviceArray<byte> Convert(Session session, byte[] planes)
    {
        JpegPlaneRecord Plane(int index) => new()
        {
            Samples = (long)index * Pixels,
            BlocksWide = Width / 8,
            BlockSide = 8,
            Width = Width,
            Height = Height,
            Horizontal = 1,
            Vertical = 1,
        };
        JpegImageRecord[] image =
        [
            new()
            {
                Region = new PictureRegion(0, Width, 0, Height),
                Components = 3,
                IsYcc = 1,
                Plane0 = Plane(0),
                Plane1 = Plane(1),
                Plane2 = Plane(2),
            },
        ];
        JpegStripRecord[] rows = [.. Enumerable.Range(0, Height).Select(row => new JpegStripRecord { Row = row })];
        using var samples = new DeviceArray<byte>(session.Pool, planes.Length);
        using var images = new DeviceArray<JpegImageRecord>(session.Pool, 1);
        using var strips = new DeviceArray<JpegStripRecord>(session.Pool, Height);
        var pixels = new DeviceArray<byte>(session.Pool, 4 * Pixels);
        samples.Upload(session.Stream, planes);
        images.Upload(session.Stream, image);
        strips.Upload(session.Stream, rows);
        session.Grid(Height).JpegToRgb(pixels, samples, images.From(0).Cast<byte>(), strips.From(0).Cast<byte>());
        return pixels;
    }
}

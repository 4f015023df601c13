using System.Runtime.InteropServices;

namespace Spos.Engine.Data;

/// <summary>As JpegPlane of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegPlaneRecord
{
    public long Coefficients, Samples;
    public int BlocksWide, Width, Height, Quantisation, Horizontal, Vertical;
}

/// <summary>As JpegImage of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegImageRecord
{
    public JpegPlaneRecord Plane0, Plane1, Plane2;
    public long Pixels;
    public int Width, Height, Components, IsYcc;
}

/// <summary>As JpegStrip of native/kernels/jpeg.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct JpegStripRecord
{
    public int Image, Plane, Row, Reserved;
}

/// <summary>As ImageTransform of native/kernels/image.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ImageTransformRecord
{
    public long Pixels, Rows;
    public int Width, ClipLeft, ClipRight, ClipTop, ClipBottom;
    public float BoxLeft, BoxTop, ScaleX, ScaleY;
    public int Flip;
    public float Brightness, Contrast, Saturation;
    public int Order;
    public int Height, ResizedWidth, ResizedHeight, CropLeft, CropTop;
    public int EraseLeft, EraseRight, EraseTop, EraseBottom;
}

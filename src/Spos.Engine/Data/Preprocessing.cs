namespace Spos.Engine.Data;

/// <summary>How decoded pictures become the network's input.</summary>
public enum Preprocessing
{
    /// <summary>
    /// Red, green, blue, normalised by ImageNet's means and deviations: the input equals torchvision's over PIL, bit for bit.
    /// </summary>
    Standard,

    /// <summary>
    /// As the official code and checkpoints have it: blue, green, red, levels 0 to 255; for validation OpenCV's bilinear resizing.
    /// </summary>
    Spos,
}

/// <summary>How large pictures are when their middle is cut out of them to be validated.</summary>
public static class ValidationSize
{
    /// <summary>The pixels that the shorter side is resized to, for an input of <paramref name="size"/> rows and columns.</summary>
    public static int ResizedSide(int size) => (int)Math.Round(size * 256.0 / 224);
}

/// <summary>
/// What standard preprocessing subtracts from red, green and blue, from 0 to 1, and then divides by; torchvision's values.
/// </summary>
public static class ImageNetStatistics
{
    public static IReadOnlyList<float> Mean { get; } = [0.485f, 0.456f, 0.406f];

    public static IReadOnlyList<float> Deviation { get; } = [0.229f, 0.224f, 0.225f];
}

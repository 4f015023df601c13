namespace Spos.Engine.Data;

/// <summary>How decoded pictures become the network's input.</summary>
public enum Preprocessing
{
    /// <summary>Red, green, blue, normalised by ImageNet's means and deviations: the input equals torchvision's over PIL, bit for bit.</summary>
    Standard,

    /// <summary>
    /// As the official code and checkpoints have it: blue, green, red, levels 0 to 255; for validation OpenCV's bilinear resizing.
    /// </summary>
    Spos,
}

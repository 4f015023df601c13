using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Spos.Engine.Devices;

/// <summary>
/// Which device is meant: "cuda:1", or "cuda" for the first one. As in PyTorch, "cpu" is the host, and a number alone is a GPU's.
/// </summary>
public readonly record struct DeviceName(DeviceKind Kind, int Index)
{
    /// <summary>The names that can be given, for help and messages.</summary>
    public static string Possible { get; } = string.Join(", ", DeviceKind.All.Select(kind => kind.Name));

    /// <summary>Reads a name, in capitals or not. Whether there is such a device is another matter.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DeviceName? name)
    {
        name = null;
        string kind = text, index = "0";
        if (text.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon) (kind, index) = (text[..colon], text[(colon + 1)..]);
        else if (text.Length > 0 && text.All(char.IsAsciiDigit)) (kind, index) = (DeviceKind.Cuda.Name, text);
        DeviceKind? found = DeviceKind.All.FirstOrDefault(one => one.IsCalled(kind));
        if (found == null || !int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return false;
        name = new DeviceName(found, number);
        return true;
    }

    /// <exception cref="NoSuchDeviceException">It is no device's name.</exception>
    public static DeviceName Parse(string text) => TryParse(text, out DeviceName? name)
        ? name.Value
        : throw new NoSuchDeviceException(
            $"no device is called '{Shown.Line(text)}': there are {Possible}, with a number for another than the first, such as cuda:1");

    /// <summary>Opens it, as <see cref="DeviceKind.Open"/>.</summary>
    public Device Open() => Kind.Open(Index);

    public override string ToString() => Index == 0 ? Kind.Name : $"{Kind.Name}:{Index}";
}

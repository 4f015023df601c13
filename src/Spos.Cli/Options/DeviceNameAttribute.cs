using Spos.Engine.Devices;

namespace Spos.Cli.Options;

/// <summary>A device as <see cref="DeviceName"/> reads it, or "auto". Whether there is such a device shows when it is opened.</summary>
internal sealed class DeviceNameAttribute : ValueRule
{
    public const string Auto = "auto";

    public override string Possible => $"{Auto}, {DeviceName.Possible}, or one of several as cuda:1";

    public override IReadOnlyList<string> Words { get; } = [Auto, .. DeviceKind.All.Select(kind => kind.Name)];

    public override string Read(string text, Type type)
    {
        if (text.Equals(Auto, StringComparison.OrdinalIgnoreCase)) return Auto;
        return DeviceName.TryParse(text, out DeviceName? name)
            ? name.Value.ToString()
            : throw new FormatException($"{Auto}, {DeviceName.Possible} are possible, and a number for one of several, as cuda:1.");
    }
}

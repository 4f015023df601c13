using Spos.Engine.Devices;

namespace Spos.Cli.Options;

/// <summary>Devices of one kind, each once, with commas between. Whether there are such devices shows when they are opened.</summary>
internal sealed class DeviceListAttribute : ValueRule
{
    public override string Possible => "numbers of GPUs as 0,1,2,3, or names as host:0,host:1";

    /// <summary>The devices of a value that was read.</summary>
    public static IReadOnlyList<DeviceName> Parse(string text) => [.. text.Split(',').Select(DeviceName.Parse)];

    public override string Read(string text, Type type)
    {
        var names = new List<DeviceName>();
        foreach (string one in text.Split(','))
        {
            if (!DeviceName.TryParse(one.Trim(), out DeviceName? name))
            {
                throw new FormatException($"{Shown.Value(one)} is no device. There may be {Possible}.");
            }
            if (names.Contains(name.Value))
            {
                throw new FormatException($"{Shown.Value(one)} is there twice, and each device has a share of its own.");
            }
            names.Add(name.Value);
        }
        return names.All(name => name.Kind == names[0].Kind)
            ? string.Join(',', names)
            : throw new FormatException("all have to be of one kind, to compute the same bits.");
    }
}

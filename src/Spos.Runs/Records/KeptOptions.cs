
namespace Spos.Runs.Records;

/// <summary>
/// The options that what a run keeps depends on, by their names, with their values as the command line takes them. Checkpoints hold them,
/// and a run goes on with the same ones only. Names with spaces are not options but facts, such as the number of pictures.
/// </summary>
public sealed class KeptOptions
{
    private readonly Dictionary<string, string> _values = [];

    // What an option is that is not given, and so in runs of before there was the option.
    private readonly Dictionary<string, string> _defaults = [];

    /// <param name="options">All that the run was asked for.</param>
    /// <param name="cameTo">What options came to where that is not what was given, and facts.</param>
    public KeptOptions(IEnumerable<RunOption> options, IEnumerable<KeyValuePair<string, string>> cameTo)
    {
        foreach (RunOption option in options.Where(option => option.Influence == Influence.Kept))
        {
            _values[option.Name] = option.Value ?? "";
            _defaults[option.Name] = option.Default ?? "";
        }
        foreach ((string name, string value) in cameTo) _values[name] = value;
    }

    /// <summary>Options that are known by their values alone.</summary>
    internal KeptOptions(IEnumerable<KeyValuePair<string, string>> values) => _values = new(values);

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>Refuses to go on with what an earlier run left if its options were others.</summary>
    /// <param name="file">What the earlier run left.</param>
    /// <param name="before">The options it was made with. One that it does not know has its default.</param>
    /// <param name="anyPictures">See <see cref="OptionCheck.Require"/>.</param>
    /// <exception cref="UsageException">They differ; the message names the first that does.</exception>
    public void Require(string file, IReadOnlyDictionary<string, string> before, bool anyPictures)
    {
        var known = new Dictionary<string, string>(before);
        foreach ((string name, string value) in _defaults)
        {
            if (known.GetValueOrDefault(name, "").Length == 0) known[name] = value;
        }
        OptionCheck.Require(file, known, _values, anyPictures);
    }
}

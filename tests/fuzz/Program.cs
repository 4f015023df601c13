using System.Globalization;
using Spos.Fuzz;

// Gives every reader of files damaged ones: spos-fuzz [--seconds N] [--seed S] [--keep FOLDER] [--file FILE] [TARGET…]
// With --file a kept file is read once more by the named target, and what it throws is shown.
var options = new Dictionary<string, string>();
var names = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    if (args[i].StartsWith("--", StringComparison.Ordinal)) options[args[i]] = args[++i];
    else names.Add(args[i]);
}
double seconds = double.Parse(options.GetValueOrDefault("--seconds", "60"), CultureInfo.InvariantCulture);
ulong seed = options.TryGetValue("--seed", out string? given)
    ? ulong.Parse(given, CultureInfo.InvariantCulture)
    : (ulong)DateTime.UtcNow.Ticks;
string kept = options.GetValueOrDefault("--keep", "fuzz-found");
Target[] targets = [.. Targets.All().Where(t => names.Count == 0 || names.Contains(t.Name))];
if (targets.Length == 0)
{
    Console.Error.WriteLine($"There is no target of that name. Targets: {string.Join(", ", Targets.All().Select(t => t.Name))}.");
    return 2;
}
if (options.TryGetValue("--file", out string? file))
{
    targets[0].Read(new DamagedFile(File.ReadAllBytes(file), Path.GetTempPath()));
    return 0;
}
// Readers warn of what they pass over.
Console.SetError(TextWriter.Null);
Console.WriteLine($"Seed {seed}, {seconds} s for {targets.Length} readers.");
Campaign[] campaigns = [.. targets.Select(t => new Campaign(t, seed, kept))];
foreach (Campaign campaign in campaigns) campaign.Run(TimeSpan.FromSeconds(seconds / targets.Length));
Console.WriteLine($"managed readers: {campaigns.Sum(c => c.Inputs):N0} inputs, {campaigns.Sum(c => c.Failures)} failures");
return campaigns.All(c => c.Failures == 0) ? 0 : 1;

namespace Spos.Runs.Reading;

/// <summary>rank.json or networks.json, as far as those need it who show runs.</summary>
internal sealed record ArchitecturesContents<T>(T?[]? Architectures)
    where T : class;

namespace Spos.Workers.Sharing;

/// <summary>How a worker was lost.</summary>
/// <param name="Why">In words that follow "is lost:".</param>
/// <param name="IsReported">Whether it has said itself that it fails: then others of its machine may fail in the same way.</param>
internal sealed record Loss(string Why, bool IsReported = false);

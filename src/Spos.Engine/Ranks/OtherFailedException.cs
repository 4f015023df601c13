namespace Spos.Engine.Ranks;

/// <summary>Another device's work has failed, which ends this one's. Users are told what the other one failed of.</summary>
public sealed class OtherFailedException() : SposException("The work of another device has failed, and with it this one's.");

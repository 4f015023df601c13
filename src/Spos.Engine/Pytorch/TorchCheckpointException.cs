namespace Spos.Engine.Pytorch;

/// <summary>A file of weights cannot be read, or is not of the network that is wanted; the message names the file.</summary>
public sealed class TorchCheckpointException(string message) : SposException(message);

namespace Spos.Engine.Pytorch;

/// <summary>A file is not a PyTorch checkpoint that can be read, or not one of the network that is wanted; the message names the file.</summary>
public sealed class TorchCheckpointException(string message) : SposException(message);

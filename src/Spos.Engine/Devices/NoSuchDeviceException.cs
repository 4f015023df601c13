namespace Spos.Engine.Devices;

/// <summary>There is no such device. The message, which begins in lower case, says which there are.</summary>
public sealed class NoSuchDeviceException(string message) : SposException(message);

namespace Spos;

/// <summary>
/// Something could not be done, for a reason outside of this program: its message is the one line that a user sees. It names the
/// file, option or device, says what was wrong and what to do. Everything else that is thrown is a fault of this program.
/// </summary>
public abstract class SposException(string message, Exception? cause = null) : Exception(message, cause);

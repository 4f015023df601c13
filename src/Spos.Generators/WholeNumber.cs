using System.Globalization;

namespace Spos.Generators;

internal static class WholeNumber
{
    /// <summary>Null if it is none.</summary>
    public static int? Of(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : null;
}

using System.Text;

namespace Spos.Engine.Files;

/// <summary>Reads lines of text from a file that may hold anything.</summary>
public static class ShortLines
{
    /// <summary>
    /// The lines of a file in order, without their ends. A line of more bytes is left out, and is never in memory as a whole.
    /// </summary>
    /// <param name="most">Bytes that a line may have.</param>
    public static IEnumerable<string> Read(string path, int most)
    {
        using FileStream file = File.OpenRead(path);
        // A line with its end.
        byte[] buffer = new byte[most + 1];
        int length = 0;
        bool isTooLong = false;
        for (int count; (count = file.Read(buffer, length, buffer.Length - length)) > 0;)
        {
            length += count;
            int start = 0;
            for (int end; (end = Array.IndexOf(buffer, (byte)'\n', start, length - start)) >= 0; start = end + 1)
            {
                if (!isTooLong) yield return Encoding.UTF8.GetString(buffer, start, end - start);
                isTooLong = false;
            }
            isTooLong |= length - start == buffer.Length;
            length = isTooLong ? 0 : length - start;
            Array.Copy(buffer, start, buffer, 0, length);
        }
        if (length > 0) yield return Encoding.UTF8.GetString(buffer, 0, length);
    }
}

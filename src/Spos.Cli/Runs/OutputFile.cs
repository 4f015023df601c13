using System.Text;
using System.Text.Json;
using Spos.Cli.Verbs;
using Spos.Engine.Files;

namespace Spos.Cli.Runs;

/// <summary>Files whose paths users give: one that is there is replaced only if it is of the kind that is to be written.</summary>
internal static class OutputFile
{
    // As much as tells kinds apart; JSON is read whole.
    private const int Start = 512, MostJson = 16 << 20;

    /// <summary>A file of torch.save: a zip archive that begins with its pickle.</summary>
    public static bool IsTorch(Stream file) => Head(file) is var head && head.AsSpan().StartsWith("PK\x03\x04"u8) && Encoding.Latin1.GetString(head).Contains("data.pkl", StringComparison.Ordinal);

    /// <summary>The length of a JSON header, then the header.</summary>
    public static bool IsSafetensors(Stream file) =>
        Head(file) is { Length: > 9 } head && head[8] == '{' && BitConverter.ToUInt64(head) is var length && length < (ulong)file.Length;

    /// <summary>A protocol-buffer message that begins with a small IR version, then the producer's name or what follows it.</summary>
    public static bool IsOnnx(Stream file) => Head(file) is [0x08, < 32, 0x12 or 0x1A or 0x3A or 0x42, ..];

    /// <summary>A JSON object that has a field of this kind.</summary>
    public static Func<Stream, bool> IsJsonWith(string field, JsonValueKind kind) => file =>
    {
        try
        {
            if (file.Length > MostJson) return false;
            using JsonDocument document = JsonDocument.Parse(file);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(field, out JsonElement value) && value.ValueKind == kind;
        }
        catch (JsonException)
        {
            return false;
        }
    };

    /// <summary>Throws if a path cannot be written to without losing something else.</summary>
    /// <param name="isSame">Whether a file is of the kind that is to be written.</param>
    /// <exception cref="UsageException">It holds something else; the message names the option.</exception>
    public static void Require(string option, string path, string kind, Func<Stream, bool> isSame)
    {
        if (RegularFile.IsOther(path)) throw new UsageException($"{option} {path} is there already, and is no regular file. Choose another name.");
        if (!File.Exists(path)) return;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (file.Length > 0 && !isSame(file)) throw new UsageException($"{option} {path} is there already, and is not {kind}. Remove it, or choose another name.");
    }

    private static byte[] Head(Stream file)
    {
        byte[] head = new byte[Start];
        int length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return head[..length];
    }
}

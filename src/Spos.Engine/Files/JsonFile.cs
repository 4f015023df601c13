using System.Text.Json;

namespace Spos.Engine.Files;

/// <summary>Writes JSON that people read too.</summary>
public static class JsonFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Replaces <paramref name="path"/> by <paramref name="value"/>, whole or not at all.</summary>
    public static void Write<T>(string path, T value) => AtomicFile.WriteText(path, JsonSerializer.Serialize(value, Indented) + "\n");
}

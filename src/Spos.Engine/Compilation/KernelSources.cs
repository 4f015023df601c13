using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace Spos.Engine.Compilation;

/// <summary>The kernels' CUDA sources, which the assembly carries.</summary>
internal static class KernelSources
{
    private const string Prefix = "kernels/";

    /// <summary>What sources include, by the name they include it under.</summary>
    public static IReadOnlyDictionary<string, string> Headers { get; } = Read(".h");

    /// <summary>The kernel files by module name.</summary>
    public static IReadOnlyDictionary<string, string> Modules { get; } = Read(".cu");

    /// <summary>Changes whenever a kernel does.</summary>
    public static string Fingerprint { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
        '\0', Headers.Concat(Modules).OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => new[] { f.Key, f.Value })))));

    private static Dictionary<string, string> Read(string extension)
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(extension, StringComparison.Ordinal))
            .ToDictionary(name => extension == ".cu" ? Path.GetFileNameWithoutExtension(name) : name[Prefix.Length..], name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
                return reader.ReadToEnd();
            });
    }
}

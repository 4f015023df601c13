using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>Finds and loads the project's own native libraries.</summary>
internal static class NativeLibraries
{
    private const string BuildFolder = "build/native/lib";

    private static readonly string Beside = Path.Combine(AppContext.BaseDirectory, "native");

    /// <summary>
    /// The folder of the native libraries: SPOS_NATIVE_DIR if set, else "native" beside the program, else the build
    /// folder of the checkout that the program runs in.
    /// </summary>
    public static string Folder { get; } = FindFolder();

    /// <summary>Loads lib<paramref name="name"/>.so from <see cref="Folder"/>.</summary>
    /// <exception cref="DllNotFoundException">It is not there, or cannot be loaded.</exception>
    public static nint Load(string name)
    {
        string path = Path.Combine(Folder, $"lib{name}.so");
        if (!File.Exists(path))
        {
            throw new DllNotFoundException(Folder == Beside && Directory.Exists(Beside)
                ? $"{path} is missing: a bundle does not have it. Run ./spos in a checkout, which builds it."
                : $"{path} is missing: run ./spos, which builds it, or set SPOS_NATIVE_DIR to the folder that holds it.");
        }
        return NativeLibrary.Load(path);
    }

    private static string FindFolder()
    {
        if (Environment.GetEnvironmentVariable("SPOS_NATIVE_DIR") is { Length: > 0 } named) return Path.GetFullPath(named);
        if (Directory.Exists(Beside)) return Beside;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            string built = Path.Combine(folder.FullName, BuildFolder);
            if (Directory.Exists(built)) return built;
        }
        return Beside;
    }
}

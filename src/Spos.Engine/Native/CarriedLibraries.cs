using System.Runtime.InteropServices;

namespace Spos.Engine.Native;

/// <summary>What a bundle carries for .NET itself.</summary>
public static class CarriedLibraries
{
    /// <summary>
    /// Loads the OpenSSL beside our own libraries, if there is one. .NET computes SHA-256 by an OpenSSL of the system's, which it asks for
    /// under this name when it first needs it, ends the program if there is none, and is given what is loaded under that name.
    /// </summary>
    public static void Load()
    {
        string path = Path.Combine(NativeLibraries.Folder, "libssl.so.3");
        // Where it cannot be loaded, the system's may still do.
        if (File.Exists(path)) _ = NativeLibrary.TryLoad(path, out _);
    }
}

using System.Globalization;
using Spos.Engine.Data;

namespace Spos.Cli.Options;

/// <summary>
/// Pictures that are named, one of which may come by standard input. The system keeps that one in a file without a name, which is gone when
/// the program is, however it ends.
/// </summary>
internal sealed class NamedPictures : IDisposable
{
    private const string InputName = "standard input";

    private readonly FileStream? _input;
    private readonly string? _inputPath;

    /// <param name="names">As <see cref="PictureNameAttribute"/> reads them.</param>
    /// <exception cref="UsageException">Standard input is named twice, empty or too large.</exception>
    public NamedPictures(IEnumerable<string> names)
    {
        Paths = [.. names];
        int[] places = [.. Paths.Index().Where(name => name.Item == PictureNameAttribute.StandardInput).Select(name => name.Index)];
        if (places.Length == 0) return;
        if (places.Length > 1) throw new UsageException("-: standard input has one picture. Name it once.");
        string path = Path.GetTempFileName();
        _input = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        File.Delete(path);
        try
        {
            Read(_input);
        }
        catch
        {
            _input.Dispose();
            throw;
        }
        string descriptor = _input.SafeFileHandle.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
        _inputPath = Paths[places[0]] = $"/proc/self/fd/{descriptor}";
    }

    /// <summary>Where they can be read, until this ends.</summary>
    public string[] Paths { get; }

    /// <summary>A text in which the picture of standard input is called so.</summary>
    public string Shown(string text) => _inputPath == null ? text : text.Replace(_inputPath, InputName, StringComparison.Ordinal);

    public void Dispose() => _input?.Dispose();

    private static void Read(FileStream output)
    {
        using Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = input.Read(buffer)) > 0;)
        {
            output.Write(buffer, 0, read);
            if (output.Length <= ImageFolder.MostPictureBytes) continue;
            throw new UsageException($"-: standard input has more than {ImageFolder.MostPictureBytes >> 20} MiB, which no picture has.");
        }
        output.Flush();
        if (output.Length == 0) throw new UsageException("-: standard input is empty. Give it a picture: spos predict - < cat.jpg");
    }
}

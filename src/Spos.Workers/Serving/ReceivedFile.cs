using System.Security.Cryptography;
using Spos.Engine.Files;

namespace Spos.Workers.Serving;

/// <summary>A checkpoint that a worker sends, beside the run's files until it is whole.</summary>
internal sealed class ReceivedFile : IDisposable
{
    private readonly string _path;
    private readonly long _mostBytes;
    private readonly FileStream _stream;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private bool _isKept;

    /// <param name="number">Unlike that of any other file.</param>
    /// <exception cref="WriteException">It cannot be written.</exception>
    public ReceivedFile(string folder, long number, long mostBytes)
    {
        _mostBytes = mostBytes;
        // Its name tells the run's folder to remove it if it is left there.
        _path = Path.Combine(folder, $".received.{Environment.ProcessId}-{number}.tmp");
        _stream = Written(() => new FileStream(_path, FileMode.Create, FileAccess.Write, FileShare.None));
    }

    /// <summary>Adds the next bytes.</summary>
    /// <returns>False if there are more than there can be.</returns>
    /// <exception cref="WriteException">They cannot be written.</exception>
    public bool Append(ReadOnlySpan<byte> bytes)
    {
        if (_stream.Length + bytes.Length > _mostBytes) return false;
        _hash.AppendData(bytes);
        try
        {
            _stream.Write(bytes);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(_path, error);
        }
        return true;
    }

    /// <summary>That was all.</summary>
    /// <returns>The file; null if its digest is another one.</returns>
    /// <exception cref="WriteException">It cannot be written.</exception>
    public string? End(ReadOnlySpan<byte> sha256)
    {
        Written<object?>(() =>
        {
            _stream.Flush(flushToDisk: true);
            return null;
        });
        _stream.Dispose();
        return sha256.SequenceEqual(_hash.GetHashAndReset()) ? _path : null;
    }

    /// <summary>It is somebody else's now.</summary>
    public void Keep() => _isKept = true;

    public void Dispose()
    {
        _stream.Dispose();
        _hash.Dispose();
        if (!_isKept) File.Delete(_path);
    }

    private T Written<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(_path, error);
        }
    }
}

using System.Security.Cryptography;
using Spos.Engine.Files;
using Spos.Runs.Folders;

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
        _path = Path.Combine(folder, $".{WorkersFile.ReceivedName}.{Environment.ProcessId}-{number}.tmp");
        // Nothing is left to be written when it is closed.
        _stream = Written(() => new FileStream(_path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0));
    }

    /// <summary>Adds the next bytes.</summary>
    /// <returns>False if there are more than there can be.</returns>
    /// <exception cref="WriteException">They cannot be written.</exception>
    public bool Append(ReadOnlyMemory<byte> bytes)
    {
        if (_stream.Length + bytes.Length > _mostBytes) return false;
        _hash.AppendData(bytes.Span);
        return Written(() =>
        {
            _stream.Write(bytes.Span);
            return true;
        });
    }

    /// <summary>That was all.</summary>
    /// <returns>The file; null if its digest is another one.</returns>
    /// <exception cref="WriteException">It cannot be written.</exception>
    public string? End(ReadOnlySpan<byte> sha256)
    {
        Written(() =>
        {
            _stream.Flush(flushToDisk: true);
            _stream.Dispose();
            return true;
        });
        return sha256.SequenceEqual(_hash.GetHashAndReset()) ? _path : null;
    }

    /// <summary>It is somebody else's now.</summary>
    public void Keep() => _isKept = true;

    /// <summary>Removes it, as well as it can, unless it is kept: if it is left, the next run in the folder removes it.</summary>
    public void Dispose()
    {
        _hash.Dispose();
        try
        {
            _stream.Dispose();
            if (!_isKept) File.Delete(_path);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            // Why it is not wanted matters more.
        }
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

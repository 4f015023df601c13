using System.Collections.Concurrent;
using Spos.Engine.Data;

namespace Spos.Runs.Phases;

/// <summary>
/// The pictures of folders, each of which is looked through once, whoever asks: the devices of one process share what is found. It is as it
/// was when it was looked for.
/// </summary>
public sealed class FoundPictures
{
    private readonly ConcurrentDictionary<string, Lazy<ImageFolder>> _folders = [];

    /// <summary>As <see cref="ImageFolder.Open"/>. Any thread may ask, and waits where another one is looking.</summary>
    /// <exception cref="DataException">As there, for all who ask.</exception>
    public ImageFolder Open(string root) => _folders.GetOrAdd(root, new Lazy<ImageFolder>(() => ImageFolder.Open(root))).Value;
}

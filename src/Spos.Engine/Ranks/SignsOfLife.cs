using System.Diagnostics;

namespace Spos.Engine.Ranks;

/// <summary>
/// Tells a process that is stopped, or can no longer be reached, from one that has much to do: a thread of each sends the first one a sign
/// of life every second, and the first one to all. MPI itself would wait for ever.
/// </summary>
internal sealed class SignsOfLife : IDisposable
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly MpiLibrary _mpi;
    private readonly Lock _gate;
    private readonly Dictionary<int, long> _heard;
    private readonly TimeSpan _timeout, _pause;
    private readonly Action<int> _lost;
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _thread;

    /// <param name="gate">Held while MPI is called.</param>
    /// <param name="peers">Whom this process sends signs to and hears.</param>
    /// <param name="lost">Called with one that gave none for so long.</param>
    public SignsOfLife(MpiLibrary mpi, Lock gate, IReadOnlyList<int> peers, TimeSpan timeout, Action<int> lost)
    {
        (_mpi, _gate, _timeout, _lost) = (mpi, gate, timeout, lost);
        _pause = timeout / 5 < LongestPause ? timeout / 5 : LongestPause;
        long now = Stopwatch.GetTimestamp();
        _heard = peers.ToDictionary(peer => peer, _ => now);
        _thread = new Thread(Run) { IsBackground = true, Name = "signs of life" };
        _thread.Start();
    }

    public void Dispose()
    {
        _ended.Set();
        _thread.Join();
    }

    private void SendAndHear()
    {
        lock (_gate)
        {
            try
            {
                foreach (int peer in _heard.Keys) _mpi.Beat(peer);
                while (_mpi.Hear() is { } peer) _heard[peer] = Stopwatch.GetTimestamp();
            }
            catch (RanksException)
            {
                // Whom MPI cannot reach will not be heard of, and who works with it is told by the same failure.
            }
        }
    }

    private void Run()
    {
        long last = Stopwatch.GetTimestamp();
        while (!_ended.Wait(_pause))
        {
            SendAndHear();
            // This process itself was stopped, and maybe all of them were: they need time to be heard again.
            bool wasStopped = Stopwatch.GetElapsedTime(last) > _timeout / 2;
            last = Stopwatch.GetTimestamp();
            foreach ((int peer, long heard) in _heard)
            {
                if (wasStopped) _heard[peer] = last;
                else if (Stopwatch.GetElapsedTime(heard) > _timeout) _lost(peer);
            }
        }
    }
}

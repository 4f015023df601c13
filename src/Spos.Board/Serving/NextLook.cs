namespace Spos.Board.Serving;

/// <summary>
/// Lets all pages go on when the board looks at files again, on one thread of its own: a timer and the thread pool would wake four, and to
/// wake one costs about as much as to look. There is no thread where nobody waits.
/// </summary>
/// <param name="wait">How long it is until the next look.</param>
internal sealed class NextLook(Func<TimeSpan> wait)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private bool _hasThread;

    /// <summary>Ends when a look is due. Who waits goes on there and then, one after the other.</summary>
    public Task Due()
    {
        lock (_gate)
        {
            _next ??= new TaskCompletionSource();
            if (!_hasThread) new Thread(Go) { IsBackground = true, Name = "spos looks" }.Start();
            _hasThread = true;
            return _next.Task;
        }
    }

    private void Go()
    {
        while (true)
        {
            Thread.Sleep(wait() + TimeSpan.FromMilliseconds(1));
            TaskCompletionSource due;
            lock (_gate)
            {
                if (_next == null)
                {
                    _hasThread = false;
                    return;
                }
                (due, _next) = (_next, null);
            }
            due.SetResult();
        }
    }
}

using System.Diagnostics;
using Spectre.Console;

namespace Spos.Cli.Display;

/// <summary>
/// Shows how far long work is: a bar with the rate and the remaining time on a terminal, else a plain line every few
/// seconds.
/// </summary>
internal sealed class ProgressDisplay
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    private readonly string _title;
    private readonly long _total;
    private readonly string _unit;
    private readonly ProgressTask? _bar;
    private readonly Task? _drawing;
    private readonly TaskCompletionSource _ended = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _start = -1;
    private double _units;
    private TimeSpan _nextLine = TimeSpan.Zero;

    /// <summary>Begins to show the work. A bar is drawn until it ends.</summary>
    /// <param name="total">Steps in all.</param>
    /// <param name="unit">What the rate counts, such as "img".</param>
    public ProgressDisplay(string title, long total, string unit)
    {
        (_title, _total, _unit) = (title, total, unit);
        if (!StandardStream.IsTerminal || !AnsiConsole.Profile.Capabilities.Interactive) return;
        ProgressTask? bar = null;
        _drawing = AnsiConsole.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .StartAsync(context =>
            {
                bar = context.AddTask(Markup.Escape(title), maxValue: Math.Max(1, total));
                return _ended.Task;
            });
        // The bar is added before the call returns; where the terminal failed it is not, and End throws why.
        _bar = bar;
    }

    /// <summary>Runs <paramref name="work"/>, which tells of each step that is done, with what is to be shown beside.</summary>
    public static void Run(string title, long total, string unit, Action<Action<string>> work)
    {
        var display = new ProgressDisplay(title, total, unit);
        long done = 0;
        try
        {
            work(details => display.Report(++done, 1, details));
        }
        finally
        {
            display.End();
        }
    }

    /// <summary>Tells that <paramref name="done"/> steps are done, the last of which handled <paramref name="units"/>.</summary>
    public void Report(long done, double units, string details)
    {
        if (_start < 0) _start = done - 1;
        _units += units;
        double seconds = _clock.Elapsed.TotalSeconds, rate = _units / seconds;
        if (_bar != null)
        {
            _bar.Value = done;
            _bar.Description = Markup.Escape($"{_title}  {rate:0.#} {_unit}/s  {details}");
            return;
        }
        if (_clock.Elapsed < _nextLine && done < _total) return;
        _nextLine = _clock.Elapsed + LineInterval;
        var remaining = TimeSpan.FromSeconds(seconds / Math.Max(1, done - _start) * (_total - done));
        Console.WriteLine($"{_title}  {done}/{_total}  {rate:0.#} {_unit}/s  {details}  remaining {remaining:h\\:mm\\:ss}");
    }

    /// <summary>Ends what is shown: the bar stays as it is.</summary>
    public void End()
    {
        _ended.TrySetResult();
        _drawing?.GetAwaiter().GetResult();
    }
}

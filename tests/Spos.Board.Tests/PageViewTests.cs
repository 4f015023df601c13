using Spos.Board.Reading;
using Spos.Runs.Reading;

namespace Spos.Board.Tests;

/// <summary>What a page is told of a run from look to look, by a clock that the tests move.</summary>
public sealed class PageViewTests : IAsyncDisposable
{
    private readonly BoardFixture _files = new();
    private readonly Clock _clock = new();
    private readonly PageView _page = new();
    private readonly RunCatalog _catalog;

    public PageViewTests()
    {
        _catalog = new RunCatalog(_files.Root, _clock, (_, _) => false);
        _files.Record("net", "supernet", ("epochs", "9"));
        File.WriteAllText(Metrics, BoardFixture.Lines(1, 100));
        Assert.Empty(News()!.Added);
        Assert.Null(News());
    }

    private string Metrics => _files.At("net", MetricsFile.FileName);

    public ValueTask DisposeAsync() => _files.DisposeAsync();

    [Fact]
    public void Points_are_told_once_and_in_order()
    {
        File.AppendAllText(Metrics, BoardFixture.Lines(101, 3));
        AddedPoints loss = News()!.Added.Single(line => line.Name == "loss");
        Assert.Equal(100, loss.From);
        Assert.Equal([101, 102, 103], loss.Points.Steps);
        Assert.Null(News());
        File.AppendAllText(Metrics, BoardFixture.Lines(104, 1));
        Assert.Equal([104], News()!.Added.Single(line => line.Name == "loss").Points.Steps);
    }

    [Fact]
    public void Another_page_has_a_view_of_its_own()
    {
        File.AppendAllText(Metrics, BoardFixture.Lines(101, 3));
        Assert.NotNull(News());
        var other = new PageView();
        Assert.Empty(Look(other)!.Added);
        Assert.Null(Look(other));
    }

    [Fact]
    public void The_whole_run_is_asked_for_where_points_do_not_tell_all()
    {
        File.AppendAllText(Metrics, BoardFixture.Lines(101, WatchedRun.MostPoints + 1));
        Assert.Empty(News()!.Added);
        File.AppendAllText(Metrics, "{\"step\":5000,\"epoch\":500,\"val_top1\":0.5}\n");
        Assert.Empty(News()!.Added);
        File.WriteAllText(Metrics, BoardFixture.Lines(1, 2));
        Assert.Empty(News()!.Added);
        File.WriteAllText(_files.At("net", "result.json"), "{}");
        Assert.Empty(News()!.Added);
        Assert.Null(News());
    }

    [Fact]
    public void A_run_that_is_there_again_is_another_one()
    {
        string folder = Path.GetDirectoryName(Metrics)!, away = Path.Combine(_files.Outside, "away");
        Directory.Move(folder, away);
        Assert.Null(News());
        Directory.Move(away, folder);
        Assert.Empty(News()!.Added);
        Assert.Null(News());
    }

    private RunNews? News() => Look(_page);

    private RunNews? Look(PageView page)
    {
        // Folders are looked for more seldom than files.
        _clock.Now += TimeSpan.FromMinutes(1);
        return _catalog.Look("net", page).News;
    }
}

using System.Text.Json;

namespace Spos.Runs.Reading;

/// <summary>
/// metrics.jsonl of a run, which may grow, and may be written anew when a stopped run goes on. Only what was added is read again. Lines
/// that are no metrics are counted and passed over; the last line may be half-written, and waits for its end. As long as nobody wants
/// the curves, the end of the file is enough.
/// </summary>
internal sealed class MetricsFile
{
    public const string FileName = "metrics.jsonl";

    private const int MostBytesOfLine = 64 << 10, MostSeries = 64, MostValuesOfLine = 64, Chunk = 1 << 20, Tail = 256 << 10;

    private readonly List<Series> _series = [];
    private readonly (Series Series, float Value)[] _row = new (Series, float)[MostValuesOfLine];
    private FileStamp? _stamp;
    private long _offset, _leastPerEpoch, _mostPerEpoch = long.MaxValue;
    private bool _isInLongLine, _isWhole, _isAfterGap;

    public IReadOnlyList<Series> Series => _series;

    /// <summary>The newest step and its epoch, counted from 1; 0 if there is none.</summary>
    public long Step { get; private set; }

    public long Epoch { get; private set; }

    /// <summary>Lines that are no metrics.</summary>
    public long Unread { get; private set; }

    /// <summary>Grows whenever the file is read anew from its beginning, or from elsewhere.</summary>
    public int Beginnings { get; private set; }

    /// <summary>Whether there are more values than are kept.</summary>
    public bool IsFull { get; private set; }

    /// <summary>
    /// Steps of an epoch, as the steps and epochs of the file have it: exact once the log has a step of an epoch's end; null while there is
    /// the first epoch only.
    /// </summary>
    public long? StepsPerEpoch => _mostPerEpoch == long.MaxValue || _leastPerEpoch > _mostPerEpoch ? null : _leastPerEpoch;

    public Series? Of(string name) => _series.FirstOrDefault(one => one.Name == name);

    /// <summary>Reads what is new.</summary>
    /// <param name="whole">Whether the whole file is wanted, and not its end alone.</param>
    /// <returns>Whether anything is.</returns>
    public bool Refresh(OwnFiles files, bool whole)
    {
        if (whole && !_isWhole)
        {
            Clear();
            _isWhole = true;
        }
        if (files.Find(FileName) is not var (path, stamp))
        {
            if (_stamp == null) return false;
            Clear();
            return true;
        }
        if (stamp == _stamp) return false;
        if (_stamp?.Id != stamp.Id || stamp.Size < _offset) Clear();
        if (_stamp == null && !_isWhole && stamp.Size > Tail) (_offset, _isAfterGap) = (stamp.Size - Tail, true);
        _stamp = stamp;
        try
        {
            // Without a lock: the run that writes must never find the file in use.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            Read(file, stamp.Size);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Clear()
    {
        Beginnings++;
        _series.Clear();
        Array.Clear(_row);
        (_stamp, _offset, _isInLongLine, _isAfterGap, IsFull) = (null, 0, false, false, false);
        (Step, Epoch, Unread, _leastPerEpoch, _mostPerEpoch) = (0, 0, 0, 0, long.MaxValue);
    }

    private void Read(FileStream file, long size)
    {
        byte[] buffer = new byte[(int)Math.Min(Chunk, Math.Max(size - _offset, 1)) + 1];
        int length = 0;
        file.Position = _offset;
        while (_offset + length < size)
        {
            int count = file.Read(buffer, length, (int)Math.Min(buffer.Length - length, size - _offset - length));
            if (count == 0) break;
            length += count;
            int begin = 0;
            for (int end; (end = buffer.AsSpan(begin, length - begin).IndexOf((byte)'\n')) >= 0; begin += end + 1)
            {
                // The first line of a file's end is half a line.
                bool isRead = _isAfterGap || (!_isInLongLine && end <= MostBytesOfLine && Take(buffer.AsSpan(begin, end)));
                if (!isRead) Unread++;
                (_isInLongLine, _isAfterGap) = (false, false);
            }
            // What is left is of a line that has not ended. Of one that is too long nothing is kept.
            if (length - begin > MostBytesOfLine)
            {
                _isInLongLine = true;
                begin = length;
            }
            _offset += begin;
            length -= begin;
            Array.Copy(buffer, begin, buffer, 0, length);
        }
    }

    // Whether the line is one of metrics: numbers and nulls, and among them a step.
    private bool Take(ReadOnlySpan<byte> line)
    {
        if (LikeLine.TryRead(line, _row, out long stepOfLike, out long epochOfLike, out int valuesOfLike))
        {
            Keep(stepOfLike, epochOfLike, valuesOfLike);
            return true;
        }
        var reader = new Utf8JsonReader(line);
        long step = -1, epoch = 0;
        int values = 0;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("step"u8))
                {
                    if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out step)) return false;
                }
                else if (reader.ValueTextEquals("epoch"u8))
                {
                    if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out epoch)) return false;
                }
                else
                {
                    Series? series = SeriesOf(ref reader, values);
                    if (!reader.Read() || reader.TokenType is not (JsonTokenType.Number or JsonTokenType.Null)) return false;
                    float value = reader.TokenType == JsonTokenType.Number ? reader.GetSingle() : float.NaN;
                    if (series != null && values < MostValuesOfLine) _row[values++] = (series, value);
                }
            }
            if (reader.TokenType != JsonTokenType.EndObject || reader.Read() || step < 0) return false;
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            return false;
        }
        Keep(step, epoch, values);
        return true;
    }

    // Of a row the first values.
    private void Keep(long step, long epoch, int values)
    {
        (Step, Epoch) = (step, epoch);
        for (int i = 0; i < values; i++) IsFull |= !_row[i].Series.Add(step, _row[i].Value);
        // Of n steps an epoch, step s is of epoch e where (e - 1) n < s <= e n.
        if (epoch > 0 && step > 0) _leastPerEpoch = Math.Max(_leastPerEpoch, (step - 1) / epoch + 1);
        if (epoch > 1 && step > 0) _mostPerEpoch = Math.Min(_mostPerEpoch, (step - 1) / (epoch - 1));
    }

    // Lines are mostly alike, so that the series of the place in the line before is tried first.
    private Series? SeriesOf(ref Utf8JsonReader reader, int place)
    {
        if (place < MostValuesOfLine && _row[place].Series is { } before && reader.ValueTextEquals(before.Bytes)) return before;
        foreach (Series one in _series)
        {
            if (reader.ValueTextEquals(one.Bytes)) return one;
        }
        if (_series.Count == MostSeries) return null;
        var added = new Series(reader.GetString()!);
        _series.Add(added);
        return added;
    }
}

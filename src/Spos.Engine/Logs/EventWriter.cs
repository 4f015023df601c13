using System.Buffers.Binary;
using System.Numerics;
using Spos.Engine.Files;

namespace Spos.Engine.Logs;

/// <summary>
/// Writes scalars, pictures and what TensorBoard's page HPARAMS shows to an event file. A record is its length (8 bytes,
/// little-endian), that length's masked CRC-32C, a protocol-buffer message (tensorflow/core/util/event.proto), and its masked CRC-32C, as
/// tensorflow/core/lib/io/record_writer has it. Each record is handed to the system at once, so that TensorBoard shows it and a killed
/// program leaves whole records.
/// </summary>
public sealed class EventWriter : IDisposable
{
    // Field numbers of Event, SessionLog, Summary, Summary.Value and Summary.Image.
    private const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5, SessionLog = 7;
    private const int SessionStatus = 1, SessionStart = 1;
    private const int SummaryValue = 1, ValueTag = 1, ValueSimple = 2, ValueImage = 4, ValueTensor = 8, ValueMetadata = 9;
    private const int ImageHeight = 1, ImageWidth = 2, ImageColours = 3, ImageEncoded = 4, Rgb = 3;

    private static int s_files;

    private readonly FileStream _file;

    /// <summary>Begins a file in a folder, which is made if it is not there.</summary>
    /// <param name="firstStep">
    /// The step that a resumed run goes on from: TensorBoard then forgets what an earlier file of the folder says of later ones.
    /// </param>
    /// <exception cref="WriteException">It could not be written, as later calls may not.</exception>
    public EventWriter(string folder, long firstStep)
    {
        long seconds = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        // TensorBoard reads the files of a folder in the order of their names.
        string name =
            $"events.out.tfevents.{seconds:D10}.{Environment.MachineName}.{Environment.ProcessId}.{Interlocked.Increment(ref s_files)}";
        Path = System.IO.Path.Combine(folder, name);
        try
        {
            Directory.CreateDirectory(folder);
            _file = new FileStream(Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(Path, error);
        }
        Write(0, message => message.Text(FileVersion, "brain.Event:2"));
        if (firstStep > 0)
        {
            Write(firstStep, message => message.Message(SessionLog, ProtocolMessage.Of(log => log.Int(SessionStatus, SessionStart))));
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Writes values of one step.</summary>
    public void Scalars(long step, params (string Tag, double Value)[] values)
    {
        byte[] summary = ProtocolMessage.Of(all =>
        {
            foreach ((string tag, double value) in values)
            {
                all.Message(SummaryValue, ProtocolMessage.Of(scalar =>
                {
                    scalar.Text(ValueTag, tag);
                    scalar.Float(ValueSimple, (float)value);
                }));
            }
        });
        Write(step, message => message.Message(Summary, summary));
    }

    /// <summary>Writes a picture.</summary>
    /// <param name="png">The bytes of a PNG of red, green and blue.</param>
    public void Picture(long step, string tag, int width, int height, byte[] png) => Value(step, tag, value =>
        value.Message(ValueImage, ProtocolMessage.Of(image =>
        {
            image.Int(ImageHeight, height);
            image.Int(ImageWidth, width);
            image.Int(ImageColours, Rgb);
            image.Message(ImageEncoded, png);
        })));

    /// <summary>
    /// Writes what the page HPARAMS compares the folder by. TensorBoard keeps what it reads first, so that a run which goes on may write it
    /// again.
    /// </summary>
    /// <param name="options">By name. Numbers and truth values are told as such.</param>
    public void SessionBegins(IEnumerable<KeyValuePair<string, string>> options) =>
        Value(0, HyperparameterSession.StartTag, value => Session(value, HyperparameterSession.Start(options, Now)));

    /// <summary>Writes that what the page HPARAMS shows of the folder is done.</summary>
    public void SessionEnds(long step) =>
        Value(step, HyperparameterSession.EndTag, value => Session(value, HyperparameterSession.Success(Now)));

    public void Dispose() => _file.Dispose();

    // In seconds since 1970.
    private static double Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1e3;

    private static void Session(ProtocolMessage value, byte[] metadata)
    {
        value.Message(ValueTensor, HyperparameterSession.NoTensor);
        value.Message(ValueMetadata, metadata);
    }

    private void Value(long step, string tag, Action<ProtocolMessage> content)
    {
        byte[] value = ProtocolMessage.Of(fields =>
        {
            fields.Text(ValueTag, tag);
            content(fields);
        });
        Write(step, message => message.Message(Summary, ProtocolMessage.Of(all => all.Message(SummaryValue, value))));
    }

    /// <summary>CRC-32C (Castagnoli), turned and shifted so that a checksum of data that holds checksums is still one.</summary>
    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xA282EAD8;
    }

    private void Write(long step, Action<ProtocolMessage> content)
    {
        byte[] message = ProtocolMessage.Of(fields =>
        {
            fields.Double(WallTime, Now);
            fields.Int(Step, step);
            content(fields);
        });
        byte[] record = new byte[message.Length + 16];
        BinaryPrimitives.WriteInt64LittleEndian(record, message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        message.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + message.Length), MaskedCrc(message));
        try
        {
            _file.Write(record);
        }
        catch (Exception error) when (WriteException.Tells(error))
        {
            throw WriteException.Of(Path, error);
        }
    }
}

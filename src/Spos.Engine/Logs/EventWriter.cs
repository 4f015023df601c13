using System.Buffers.Binary;
using System.Numerics;
using Spos.Engine.Files;

namespace Spos.Engine.Logs;

/// <summary>
/// Writes scalars to a TensorBoard event file. A record is its length (8 bytes, little-endian), that length's masked CRC-32C,
/// a protocol-buffer message (tensorflow/core/util/event.proto), and its masked CRC-32C, as tensorflow/core/lib/io/record_writer
/// has it. Each record is handed to the system at once, so that TensorBoard shows it and a killed program leaves whole records.
/// </summary>
public sealed class EventWriter : IDisposable
{
    // Field numbers of Event, SessionLog, Summary and Summary.Value.
    private const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5, SessionLog = 7;
    private const int SessionStatus = 1, SessionStart = 1;
    private const int SummaryValue = 1, ValueTag = 1, ValueSimple = 2;

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

    public void Dispose() => _file.Dispose();

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
            fields.Double(WallTime, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1e3);
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

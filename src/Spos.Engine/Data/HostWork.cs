namespace Spos.Engine.Data;

/// <summary>
/// What the CPU does of a loader's work where a GPU does the rest, but for issuing it: files are read, parsed and entropy-decoded, and
/// what the device is to have of them is written to memory, of each the whole picture.
/// </summary>
public static unsafe class HostWork
{
    /// <summary>Does it for each picture once, on the calling thread, and issues nothing to a device.</summary>
    /// <returns>How many pictures could be decoded.</returns>
    public static int Do(ImageFolder data, DamageReport damage)
    {
        var reader = new PictureReader(data, leaveOutDamaged: true, damage);
        byte[] memory = [];
        int done = 0;
        for (int sample = 0; sample < data.Samples.Length; sample++)
        {
            using CompressedPicture? picture = reader.Read(sample);
            if (picture == null) continue;
            var layout = new PictureLayout();
            layout.Add(picture, new PictureRegion(0, picture.Width, 0, picture.Height));
            if (memory.LongLength < layout.Pixels) memory = new byte[layout.Pixels + layout.Pixels / 4];
            fixed (byte* target = memory) layout.Write(target, [default]);
            done++;
        }
        return done;
    }
}

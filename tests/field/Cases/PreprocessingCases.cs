using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Spos.Engine.Autograd;
using Spos.Engine.Data;
using Spos.Engine.Devices;

namespace Spos.Field.Cases;

/// <summary>What becomes of pictures on their way to the network.</summary>
internal static class PreprocessingCases
{
    [Case("Validation pictures of any shape become what torchvision makes of them, bit for bit")]
    public static void Standard_validation(Scene scene)
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Scene.Fixtures, "preprocessing_golden.json")));
        using var session = new Session(Device.Host);
        foreach (IGrouping<int, JsonElement> rows in golden.RootElement.EnumerateArray().GroupBy(r => r.GetProperty("size").GetInt32()))
        {
            string data = scene.At($"{rows.Key}");
            Directory.CreateDirectory(Path.Combine(data, "all"));
            JsonElement[] pictures = [.. rows];
            for (int i = 0; i < pictures.Length; i++)
            {
                File.WriteAllBytes(Path.Combine(data, "all", $"{i:00}.jpg"), pictures[i].GetProperty("jpeg").GetBytesFromBase64());
            }
            // All in one batch.
            var options = new LoaderOptions { ImageSize = rows.Key, BatchSize = pictures.Length };
            using var loader = new BatchLoader(
                session.Device, ImageFolder.Open(data), options, new DamageReport(text => throw new CaseFailedException(text)));
            using Batch batch = loader.Single();
            batch.ReadOn(session.Stream);
            float[] inputs = batch.Images.Download(session.Stream);
            int values = rows.Key * rows.Key * 3;
            for (int i = 0; i < pictures.Length; i++)
            {
                string digest = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(inputs.AsSpan(i * values, values))));
                if (digest != pictures[i].GetProperty("normalised").GetString())
                {
                    throw new CaseFailedException($"{pictures[i].GetProperty("name")} at {rows.Key} pixels: not torchvision's input");
                }
            }
        }
    }
}

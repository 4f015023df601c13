using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MessagePack;
using Spos.Cli.Nni;
using Spos.Cli.Verbs;
using Spos.Engine.Autograd;
using Spos.Engine.Checkpoints;
using Spos.Engine.Data;
using Spos.Engine.Devices;
using Spos.Engine.Files;
using Spos.Engine.Logs;
using Spos.Engine.Pickles;
using Spos.Engine.Pytorch;
using Spos.Engine.Supernet;
using Spos.Report.Chains;
using Spos.Runs.Folders;
using Spos.Runs.Records;
using Spos.Space;

namespace Spos.Fuzz;

/// <summary>All readers of files that may come from anywhere.</summary>
internal static class Targets
{
    private static readonly NetworkSpec Tiny = new()
    {
        ImageSize = 32,
        Classes = 3,
        StemChannels = 8,
        StageRepeats = [1, 1, 1, 1],
        StageChannels = [16, 24, 32, 40],
        LastChannels = 8,
    };
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    private static readonly Dictionary<string, string> Seeded = new() { ["seed"] = "1" };
    private static readonly DataRecord NoData = new(null, null);

    public static IReadOnlyList<Target> All() =>
    [
        Pickles(), TorchFiles(), OnnxFiles(), FlopsTables(), Checkpoints(), Architectures(), PickledArchitectures(), SearchSpaces(),
        Configurations(), RunRecords(), Searches(), Rankings(), Fronts(), TrainedFronts(), Workers(), Latencies(), Pictures(),
        CacheIndices(), EventFiles(),
    ];

    private static Target Pickles()
    {
        using JsonDocument made = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, "pickles.json")));
        return new("pickle", [.. PicklesIn(made.RootElement)], file =>
        {
            int position = 0;
            Unpickler.Load(file.Bytes, ref position, new PickleObjects());
        });
    }

    private static Target TorchFiles() => new(
        "torch",
        [
            .. Directory.GetFiles(Fixtures, "*.pth*").Select(File.ReadAllBytes).Where(f => f.Length < 200_000), .. TorchVariants(),
            Safetensors(),
        ],
        file =>
        {
            string path = file.Save("file.pth");
            using TorchCheckpoint checkpoint = TorchCheckpoint.Open(path);
            IReadOnlyDictionary<string, TorchTensor> tensors = TorchStateDict.Of(checkpoint, path);
            ExportRecord.From(checkpoint.Metadata, path);
            foreach (TorchTensor tensor in tensors.Values) checkpoint.Floats(tensor);
            OfficialNetwork.Describe(tensors, 32, path);
        });

    // The graph is passed over: what runs it reads it.
    private static Target OnnxFiles()
    {
        var record = new ExportRecord
        {
            ImageSize = 32,
            OfficialPreprocessing = false,
            ResizedSide = 37,
            Classes = 2,
            ClassNames = ["a", "b"],
            Architecture = new Architecture([0, 1, 2, 3]),
            Top1 = 0.5,
        };
        return new(
            "onnx",
            [
                ProtocolMessage.Of(m =>
                {
                    m.Int(1, 8);
                    m.Text(2, "Spos");
                    m.Message(7, ProtocolMessage.Of(g => g.Text(2, "graph")));
                    foreach ((string name, string value) in record.ToMetadata().Append(new("input", "pictures")))
                    {
                        m.Message(14, ProtocolMessage.Of(p =>
                        {
                            p.Text(1, name);
                            p.Text(2, value);
                        }));
                    }
                }),
            ],
            file => OnnxFile.Read(file.Save("network.onnx")));
    }

    // Files as people hand them over, without checksums too, since those stop most changes.
    private static byte[][] TorchVariants()
    {
        using JsonDocument files = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, "torch_variants.json")));
        return [.. files.RootElement.EnumerateObject().Select(file => file.Value.GetBytesFromBase64())];
    }

    private static byte[] Safetensors()
    {
        byte[] header = """
            {"__metadata__":{"spos_format":"1","image_size":"32","preprocessing":"spos","dropout":"0.1","class_names":"[\"a\"]"},
            "first_conv.0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}
            """u8.ToArray();
        return [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[10]];
    }

    private static Target FlopsTables() => new(
        "flops-table", [File.ReadAllBytes(Path.Combine(Fixtures, "op_flops_dict.pkl"))],
        file => OfficialFlops.Load(file.Save("table.pkl"), new NetworkSpec()));

    private static Target Checkpoints()
    {
        string folder = Directory.CreateTempSubdirectory("spos-fuzz-").FullName, whole = Path.Combine(folder, "whole.spos");
        Device.Host.Threads = 1;
        using (var session = new Session(Device.Host))
        using (var network = new ShuffleNetV2OneShot(session, Tiny))
        {
            Checkpoint.Save(whole, session, network, 7, new Dictionary<string, string> { ["seed"] = "1" });
        }
        // The header and a little of the tensors, which are only summed.
        byte[] seed = File.ReadAllBytes(whole);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(seed.AsSpan(8));
        seed = WithChecksum([.. seed.Take(16 + header + 128)]);
        Directory.Delete(folder, recursive: true);
        return new(
            "checkpoint", [seed, WithNil(header => header.Options = null!), WithNil(header => header.Tensors[0].Name = null!)],
            file => Checkpoint.Verify(file.Save("file.spos")), Mend: WithChecksum);

        // Another header, with nil where there is something.
        byte[] WithNil(Action<CheckpointHeader> change)
        {
            CheckpointHeader changed = MessagePackSerializer.Deserialize<CheckpointHeader>(seed.AsMemory(16, header));
            change(changed);
            byte[] text = MessagePackSerializer.Serialize(changed);
            return WithChecksum([.. seed[..8], .. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[128]]);
        }
    }

    private static Target Architectures() => new(
        "architecture",
        [
            .. new[]
            {
                """{"LayerChoice1": [false, true, false, false], "LayerChoice2": [1.0, 0.0, 0.0, 0.0]}""",
                """{"LayerChoice1": 1, "LayerChoice2": {"_value": "2", "_idx": 2}}""",
                """{"model/LayerChoice1": "1", "model/LayerChoice2": "layerchoice_model/LayerChoice2_2"}""", "[0, 1, 2, 3]", "0 1 2 3",
                "(0, 1, 2, 3)",
            }.Select(Encoding.UTF8.GetBytes),
        ],
        file => ArchitectureFile.Read(file.Save("architecture.json"), Tiny.Space),
        IsText: true);

    // megvii's arch.pkl, by protocols 0 and 3.
    private static Target PickledArchitectures() => new(
        "arch.pkl",
        ["(I2\nI1\nI0\ntp0\n."u8.ToArray(), [0x80, 3, (byte)'K', 2, (byte)'K', 1, (byte)'K', 0, 0x87, (byte)'q', 0, (byte)'.']],
        file => ArchitectureFile.Read(file.Save("arch.pkl"), Tiny.Space));

    private static Target SearchSpaces() => new(
        "search-space",
        [
            """
            {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]},
            "LayerChoice2": {"_type": "layer_choice", "_value": ["0", "1", "2", "3"]}}
            """u8.ToArray(),
            """
            {"LayerChoice1": {"_type": "layer_choice", "_value": ["0", "3"]},
            "LayerChoice2": {"_type": "layer_choice", "_value": ["2"]},
            "LayerChoice3": {"_type": "layer_choice", "_value": []},
            "LayerChoice4": {"_type": "layer_choice", "_value": ["1", "2"]}}
            """u8.ToArray(),
        ],
        file => SearchSpaceFile.Read(file.Save("space.json"), Tiny.Space),
        IsText: true);

    private static Target Configurations() => new(
        "configuration",
        [
            """
            authorName: somebody
            trialConcurrency: 2
            maxExecDuration: 24h
            maxTrialNum: 99999
            trainingServicePlatform: local
            searchSpacePath: nni_auto_gen_search_space.json
            useAnnotation: False
            tuner:
              codeDir: .
              classFileName: tuner.py
              className: EvolutionWithFlops
              classArgs: {max_epochs: 20, num_select: 10, flops_limit: 330.0e+6}
            trial:
              command: python tester.py --imagenet-dir "/data/a b" --spos-prep
              codeDir: &folder .
              gpuNum: 1
            """u8.ToArray(),
            """
            # Options of several commands.
            imagenet-dir: photos
            image_size: 96
            stage-repeats: [2, 2, 4, 2]
            resume: yes
            supernet: {epochs: 30, resume: false}
            search:
              checkpoint: /runs/supernet
              max-epochs: 5
            eval:
            """u8.ToArray(),
        ],
        file => new ConfigFileAttribute().OptionsOf(file.Save("config.yml"), typeof(SearchVerb), Spos.Cli.Program.Verbs),
        IsText: true);

    private static Target Latencies() => new(
        "latency-table",
        [
            """
            {"target": "onnxruntime", "target_version": "1.31.1",
            "device": "host", "precision": "fp32", "batch_size": 1, "network": {"image_size": 32, "classes": 3, "stem_channels": 8,
            "stage_repeats": [1, 1, 1, 1], "stage_channels": [16, 24, 32, 40], "last_channels": 8, "blocks": "shuffle-v2"},
            "constant_ns": 100, "blocks_ns": [
            {"shufflenet_3x3": 0, "shufflenet_5x5": 1, "shufflenet_7x7": 2, "xception_3x3": 3},
            {"shufflenet_3x3": 0, "shufflenet_5x5": 1, "shufflenet_7x7": 2, "xception_3x3": 3},
            {"shufflenet_3x3": 0, "shufflenet_5x5": 1, "shufflenet_7x7": 2, "xception_3x3": 3},
            {"shufflenet_3x3": 0, "shufflenet_5x5": 1, "shufflenet_7x7": 2, "xception_3x3": 3}],
            "validation": {"spearman": 1.0, "mean_relative_error": 0.01,
            "networks": [{"architecture": "0 1 2 3", "measured_ns": 106, "predicted_ns": 106}]}}
            """u8.ToArray(),
        ],
        file => LatencyTable.Read(file.Save("latency.json"), Tiny),
        IsText: true);

    private static Target RunRecords() => new(
        "run-record",
        [
            """
            {"command": "search", "options": {"checkpoint": "runs/supernet", "spos-preprocessing": "False"}, "network": {"ImageSize": 32,
            "StemChannels": 8, "StageRepeats": [1, 1, 1, 1], "StageChannels": [16, 24, 32, 40], "LastChannels": 8, "Dropout": 0.1,
            "Preprocessing": 0}, "version": "0.1.0", "threads": 2, "started": "2026-01-01T00:00:00"}
            """u8.ToArray(),
        ],
        file =>
        {
            File.WriteAllText(Path.Combine(file.Folder, NetworkOrigin.ArchitectureName), "0 0 0 0");
            file.Save(RunRecord.FileName);
            NetworkOrigin.OfArchitecture(file.Folder, "--architecture", sizesAreGiven: true, _ => { });
        },
        IsText: true);

    private static Target Searches() => new(
        "search-state",
        [
            """
            {"Options": {"seed": "1"},
            "Data": {"Train": {"Classes": [{"Name": "a", "Pictures": 2, "Digest": "00"}], "Digest": "00"}, "Val": null},
            "Scores": [{"Architecture": "0 1 2 3", "Generation": 0, "Flops": 1000, "Top1": 0.5},
            {"Architecture": "3 1 2 3", "Generation": 1, "Flops": 2000, "Top1": 0.25}]}
            """u8.ToArray(),
            """
            {"Options": {"seed": "1"}, "Data": null,
            "Scores": [{"Architecture": "0 1 2 3", "Generation": 0, "Flops": 1000, "Angle": 0.5},
            {"Architecture": "3 1 2 3", "Generation": 1, "Flops": 2000, "Top1": 0.25}]}
            """u8.ToArray(),
        ],
        file =>
        {
            file.Save("search.json");
            foreach (bool isOfAngles in new[] { false, true })
            {
                // Each file is of one kind, so that the other refuses it.
                try
                {
                    new SearchState(
                        file.Folder, new KeptOptions(Seeded), NoData, acceptChangedData: true, _ => { }, isOfAngles: isOfAngles)
                        .Load(Tiny.Space);
                }
                catch (CheckpointException)
                {
                }
            }
        },
        IsText: true);

    private static Target Rankings() => new(
        "rank-state",
        [
            """
            {"Options": {"seed": "1"}, "Data": null,
            "Architectures": [{"Architecture": "0 1 2 3", "Flops": 1000, "Scores": [0.5, 0.25], "Standalone": null},
            {"Architecture": "3 1 2 3", "Flops": 2000, "Scores": [0.5, 0.75], "Standalone": 0.75, "Repeats": [0.5, 0.25]}]}
            """u8.ToArray(),
        ],
        file =>
        {
            file.Save(RankState.FileName);
            new RankState(
                file.Folder, new KeptOptions(Seeded), NoData, acceptChangedData: true, _ => { }).Load(Tiny.Space, recalibrations: 2);
        },
        IsText: true);

    private static Target Fronts() => new(
        "front",
        [
            """
            [{"file": "front/000.json", "architecture": "0 1 2 3", "top1": 0.5, "costs": {"flops": 1000, "parameters": 200}},
            {"file": "front/001.json", "architecture": "3 1 2 3", "top1": 0.75, "costs": {"flops": 2000, "parameters": 100}}]
            """u8.ToArray(),
        ],
        file => FrontFiles.Read(file.Save(FrontFiles.TableName), Tiny.Space),
        IsText: true);

    private static Target TrainedFronts() => new(
        "front-state",
        [
            """
            {"Options": {"seed": "1"}, "Data": null,
            "Architectures": [
            {"Source": "Front", "Number": 0, "Architecture": "0 1 2 3", "Score": 0.5, "Top1": 0.5, "Top5": 1, "Loss": 2.5},
            {"Source": "Random", "Number": 0, "Architecture": "3 1 2 3", "Score": null, "Top1": null, "Top5": null, "Loss": null}]}
            """u8.ToArray(),
        ],
        file =>
        {
            file.Save(FrontState.FileName);
            new FrontState(file.Folder, new KeptOptions(Seeded), NoData, acceptChangedData: true, _ => { }).Load(Tiny.Space);
        },
        IsText: true);

    private static Target Workers() => new(
        "workers",
        [
            """
            {"workers": [{"name": "node2-ab12cd", "address": "10.0.0.7:41000", "state": "training", "joined": "2026-01-01T00:00:00Z",
            "scored": 12, "per_minute": 3.5, "trained": 1, "training": "architecture 2/16, step 40"}, null]}
            """u8.ToArray(),
        ],
        file => JsonFile.Read<WorkersFile>(file.Save(WorkersFile.FileName), 64 << 20),
        IsText: true);

    private static Target Pictures() => new(
        "picture",
        [.. PictureSeeds.All()],
        file => CompressedPicture.Decode(file.Bytes, "picture").Dispose(),
        // Arrays come from a pool, in powers of two.
        BytesPerByte: 2 * CompressedPicture.BytesPerPixel * CompressedPicture.MostPixelsPerByte);

    private static Target CacheIndices()
    {
        var data = new DataSetIdentity([new("a", 2, "00"), new("b", 1, "01")], "02");
        CachedPicture[] pictures = [new(0, 5, 3, 7, null), new(45, 0, 0, 0, null), new(45, 2, 2, 8, "painted over")];
        string folder = Directory.CreateTempSubdirectory("spos-fuzz-").FullName, path = Path.Combine(folder, "train.index");
        byte[][] seeds = [.. new[] { pictures, pictures[..2], [] }.SelectMany(some => new[] { SeedOf(some, null), SeedOf(some, 256) })];
        Directory.Delete(folder, recursive: true);
        return new("cache-index", seeds, file => CacheIndex.Read(file.Save("train.index")), Mend: file => WithLength(file));

        byte[] SeedOf(CachedPicture[] some, int? shortSide)
        {
            new CacheIndex { Data = data, Pictures = some, ShortSide = shortSide }.Write(path);
            return File.ReadAllBytes(path);
        }
    }

    // What reports tell times by.
    private static Target EventFiles()
    {
        string folder = Directory.CreateTempSubdirectory("spos-fuzz-").FullName, path;
        using (var events = new EventWriter(folder, 1))
        {
            for (int step = 1; step <= 4; step++) events.Scalars(step, ("loss/train", 2.5), ("acc1/train", 0.5));
            path = events.Path;
        }
        byte[] seed = File.ReadAllBytes(path);
        Directory.Delete(folder, recursive: true);
        return new("event-file", [seed], file => EventTimes.SecondsOf(file.Save("events.out.tfevents.0000000001.host.1.1")));
    }

    private static IEnumerable<byte[]> PicklesIn(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().SelectMany(PicklesIn),
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p => PicklesIn(p.Value)),
        JsonValueKind.String when element.TryGetBytesFromBase64(out byte[]? bytes) && bytes is { Length: > 1 } && bytes[^1] == (byte)'.' =>
            [bytes],
        _ => [],
    };

    // The magic of a cache's index, the length of what is there, and the SHA-256 at the end.
    private static byte[] WithLength(byte[] file)
    {
        if (file.Length < 16 + SHA256.HashSizeInBytes) return file;
        int end = file.Length - SHA256.HashSizeInBytes;
        "SPOSPICS"u8.CopyTo(file);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(8), end - 16);
        SHA256.HashData(file.AsSpan(0, end), file.AsSpan(end));
        return file;
    }

    // The magic, the header's length made to fit what is there, and the SHA-256 at the end.
    private static byte[] WithChecksum(byte[] file)
    {
        if (file.Length < 16 + SHA256.HashSizeInBytes) return file;
        BinaryPrimitives.WriteUInt64LittleEndian(file, BinaryPrimitives.ReadUInt64LittleEndian("SPOSCKPT"u8));
        SHA256.HashData(file.AsSpan(0, file.Length - SHA256.HashSizeInBytes), file.AsSpan(file.Length - SHA256.HashSizeInBytes));
        return file;
    }
}

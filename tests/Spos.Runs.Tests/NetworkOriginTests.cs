using Spos.Engine.Data;
using Spos.Engine.Supernet;
using Spos.Runs.Folders;
using Spos.Runs.Records;

namespace Spos.Runs.Tests;

/// <summary>What is told of a network by a search's folder, and what else is asked for.</summary>
public sealed class NetworkOriginTests : IDisposable
{
    private static readonly NetworkSpec Plus = new() { BlockSet = BlockSet.ShuffleV2Plus };

    private readonly string _folder = Directory.CreateTempSubdirectory("spos-network-origin-test-").FullName;

    [Theory]
    [InlineData("\"shuffle-v2+\"", "\"shuffle-v9\"", "the blocks 'shuffle-v9', which this program does not know")]
    [InlineData("[4,4,8,4]", "null", "take 4 numbers each")]
    [InlineData("[64,160,320,640]", "[64,160,320,2147483646]", "at most 4096 are possible")]
    [InlineData("1024", "2147483647", "of the last convolution 8192")]
    [InlineData("224", "2147483616", "is not a multiple of 32 of at most 2048")]
    public void A_record_of_no_network_is_refused_by_its_file(string written, string edited, string told)
    {
        string record = Search();
        Assert.Equal(Plus, NetworkOrigin.OfArchitecture(_folder, "--architecture", false, _ => { }).Origin!.Spec(1000));
        string text = File.ReadAllText(record);
        Assert.Contains(written, text, StringComparison.Ordinal);
        File.WriteAllText(record, text.Replace(written, edited, StringComparison.Ordinal));
        string message = Assert.Throws<UsageException>(
            () => NetworkOrigin.OfArchitecture(_folder, "--architecture", false, _ => { })).Message;
        Assert.StartsWith($"--architecture: {record}: ", message, StringComparison.Ordinal);
        Assert.Contains(told, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_asks_for_other_blocks_is_told_what_can_be_done_there()
    {
        Search();
        NetworkOrigin searched = NetworkOrigin.OfArchitecture(_folder, "--architecture", false, _ => { }).Origin!;
        var loaded = new NetworkOrigin("a.spos", NetworkRecord.Of(new NetworkSpec(), Preprocessing.Standard));
        string Refusal(NetworkOrigin origin, NetworkSpec spec, NetworkOrigin? taken = null) =>
            Assert.Throws<UsageException>(() => origin.RequireWidths(spec, taken)).Message;

        searched.RequireWidths(Plus);
        Assert.EndsWith("or give the architecture as a list to train it otherwise.", Refusal(searched, new()), StringComparison.Ordinal);
        Assert.Equal("--blocks shuffle-v2+: the network of a.spos has shuffle-v2. Leave the option out.", Refusal(loaded, Plus));
        Assert.StartsWith(
            $"the network of {_folder} has --blocks shuffle-v2+, and that of a.spos has shuffle-v2.", Refusal(searched, new(), loaded),
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_architecture_of_other_blocks_is_told_by_their_name()
    {
        string told = Assert.Throws<UsageException>(
            () => NamedArchitecture.ReadOfAnySet(string.Join(' ', Enumerable.Repeat(7, 20)), new NetworkSpec())).Message;
        Assert.EndsWith("the choices there are 0 to 3. With --blocks shuffle-v2+ it is one.", told, StringComparison.Ordinal);
        told = Assert.Throws<UsageException>(() => NamedArchitecture.ReadOfAnySet("7 7", new NetworkSpec())).Message;
        Assert.EndsWith("it has 2 blocks; the network has 20.", told, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The folder of a search that has ended, as far as a training from scratch reads it: the path of its run.json.
    private string Search()
    {
        string record = Path.Combine(_folder, "run.json");
        File.WriteAllText(record, """
            {"command": "search", "options": {}, "network": {"image_size": 224, "stem_channels": 16, "stage_repeats": [4,4,8,4],
            "stage_channels": [64,160,320,640], "last_channels": 1024, "preprocessing": "Standard", "blocks": "shuffle-v2+"}}
            """);
        File.WriteAllText(Path.Combine(_folder, NetworkOrigin.ArchitectureName), "");
        return record;
    }
}

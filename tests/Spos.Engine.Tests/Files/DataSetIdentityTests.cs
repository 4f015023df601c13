using System.Text.Json;
using MessagePack;
using Spos.Engine.Data;
using Spos.Engine.Files;
using Spos.Engine.Tests.Data;

namespace Spos.Engine.Tests.Files;

public sealed class DataSetIdentityTests
{
    [Fact]
    public void It_is_the_same_at_another_place()
    {
        using TemporaryDataSet one = Make(), other = Make();
        Assert.Equal(Of(one).Digest, Of(other).Digest);
        Assert.Null(Of(one).DifferenceTo(Of(other)));
    }

    [Theory]
    [InlineData("mv cat katze", "class 'cat' is called 'katze' now")]
    [InlineData("mv cat/1.jpg dog/1.jpg", "class 'cat' had 2 pictures and has 1, and 1 more of 3 classes changed")]
    [InlineData(
        "mv cat/1.jpg x; mv dog/4.jpg cat/1.jpg; mv x dog/4.jpg",
        "class 'cat' has as many pictures as before, 2, but of other names or sizes, and 1 more of 3 classes changed")]
    [InlineData("mv owl/5.jpg owl/6.jpg", "class 'owl' has as many pictures as before, 1, but of other names or sizes")]
    [InlineData("rm -r cat", "class 'cat' is missing")]
    [InlineData("cp -r cat cow", "class 'cow' is new")]
    [InlineData("rm -r cat; mv dog/4.jpg dog/7.jpg; mv dog cow", "classes 'cat', 'dog' are missing and class 'cow' is new")]
    public void What_changed_is_named(string change, string difference)
    {
        using TemporaryDataSet files = Make();
        DataSetIdentity then = Of(files);
        Shell.Run(files.Root, change);
        Assert.Equal(difference, then.DifferenceTo(Of(files)));
    }

    [Fact]
    public void Json_and_MessagePack_keep_it()
    {
        using TemporaryDataSet files = Make();
        DataSetIdentity identity = Of(files);
        DataSetIdentity json = JsonSerializer.Deserialize<DataSetIdentity>(JsonSerializer.Serialize(identity))!;
        DataSetIdentity packed = MessagePackSerializer.Deserialize<DataSetIdentity>(MessagePackSerializer.Serialize(identity));
        foreach (DataSetIdentity kept in new[] { json, packed })
        {
            Assert.Equal(identity.Digest, kept.Digest);
            Assert.Equal<ClassIdentity>(identity.Classes, kept.Classes);
        }
    }

    private static DataSetIdentity Of(TemporaryDataSet files) => ImageFolder.Open(files.Root).Identity;

    private static TemporaryDataSet Make()
    {
        var files = new TemporaryDataSet(0, 0);
        foreach ((string name, int size) in new[]
        {
            ("cat/1.jpg", 10), ("cat/2.jpg", 20), ("dog/3.jpg", 30), ("dog/4.jpg", 40), ("owl/5.jpg", 50),
        })
        {
            files.Add(name, new byte[size]);
        }
        return files;
    }
}

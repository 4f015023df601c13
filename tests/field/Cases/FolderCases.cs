namespace Spos.Field.Cases;

/// <summary>Folders as people have them.</summary>
internal static class FolderCases
{
    [Case("A class without pictures is named")]
    public static void Empty_class(Scene scene)
    {
        foreach (string split in new[] { "train", "val" }) Directory.CreateDirectory(scene.At(split, "empty-class"));
        Scene.Spos("supernet", "--imagenet-dir", scene.Folder, "--output-dir", scene.At("run")).Ended(1).Said("empty-class");
    }
}

using Spos.Cli.Display;
using Spos.Engine.Data;
using Spos.Engine.Files;

namespace Spos.Field.Cases;

/// <summary>What --decoder does and says.</summary>
internal static class DecoderCases
{
    [Case("JPEGs that nvJPEG leaves are not called damaged, and have a row of their own")]
    public static void Row_of_refused(Scene scene)
    {
        _ = scene;
        var damage = new DamageReport(_ => { });
        if (ResultTable.RowOfRefused(damage).Value != null) throw new CaseFailedException("a row for nothing");
        damage.AddRefused(FilePath.Of("a.jpg"));
        damage.AddRefused(FilePath.Of("a.jpg"));
        (string name, string? value) = ResultTable.RowOfRefused(damage);
        bool right = $"{damage}" == "0" && value?.StartsWith("1 JPEG", StringComparison.Ordinal) == true;
        if (!right) throw new CaseFailedException($"{damage}; {name}: {value}");
    }
}

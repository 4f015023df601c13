using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators;

/// <summary>
/// Makes C# of the declarations of kernels, in the .cu files among a project's additional files: for each a launcher with parameters of
/// its own types and what a launch comes to, for all the catalogue. What is wrong with a declaration is an error with its file and line.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class KernelGenerator : IIncrementalGenerator
{
    /// <summary>The name under which tests find the step that reads files.</summary>
    internal const string FilesStep = "KernelFiles";

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<KernelFile> files = context.AdditionalTextsProvider
            .Where(file => file.Path.EndsWith(".cu", StringComparison.Ordinal))
            .Select((file, token) => KernelFileParser.Parse(file.Path, file.GetText(token) ?? SourceText.From("")))
            .WithTrackingName(FilesStep);
        context.RegisterSourceOutput(files, (output, file) =>
        {
            foreach (Fault fault in file.Faults) output.ReportDiagnostic(fault.ToDiagnostic());
            if (file.Kernels.Count == 0) return;
            output.AddSource($"LaunchGrid.{file.Module}.g.cs", SourceText.From(LauncherWriter.Write(file), Encoding.UTF8));
            output.AddSource($"KernelCatalogue.{file.Module}.g.cs", SourceText.From(WorkWriter.Write(file), Encoding.UTF8));
        });
        IncrementalValueProvider<ImmutableArray<CatalogueWriter.Entry>> kernels =
            files.SelectMany((file, _) => CatalogueWriter.Entry.Of(file)).Collect();
        context.RegisterSourceOutput(
            kernels, (output, all) => output.AddSource("KernelCatalogue.g.cs", SourceText.From(CatalogueWriter.Write(all), Encoding.UTF8)));
    }
}

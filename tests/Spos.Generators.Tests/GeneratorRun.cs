using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Spos.Generators.Tests;

/// <summary>The generator on some .cu files, as the compiler runs it.</summary>
internal sealed class GeneratorRun
{
    private readonly CSharpCompilation _compilation = CSharpCompilation.Create("Engine");
    private readonly Dictionary<string, CudaFile> _files = [];
    private GeneratorDriver _driver = CSharpGeneratorDriver.Create(
        [new KernelGenerator().AsSourceGenerator()],
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    public GeneratorRunResult Result { get; private set; }

    /// <summary>Runs it on one file.</summary>
    public static GeneratorRun On(string name, string text)
    {
        var run = new GeneratorRun();
        run.Put(name, text);
        return run;
    }

    /// <summary>Adds a file, or puts another text in its place, and runs it again.</summary>
    public void Put(string name, string text)
    {
        var file = new CudaFile(name, text);
        _driver = _files.TryGetValue(name, out CudaFile? before)
            ? _driver.ReplaceAdditionalText(before, file)
            : _driver.AddAdditionalTexts([file]);
        _files[name] = file;
        _driver = _driver.RunGenerators(_compilation);
        Result = _driver.GetRunResult().Results.Single();
    }

    /// <summary>What it has made of a name.</summary>
    public string Text(string name) => Result.GeneratedSources.Single(s => s.HintName == name).SourceText.ToString();

    /// <summary>Whether each file that it has made was made anew by the last run.</summary>
    public ImmutableArray<IncrementalStepRunReason> Reasons =>
        [.. Result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs).Select(output => output.Reason)];

    private sealed class CudaFile(string name, string text) : AdditionalText
    {
        public override string Path => $"/native/kernels/{name}";

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }
}

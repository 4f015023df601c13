namespace Spos.Engine.Compilation;

/// <summary>NVRTC refused a kernel file; the message holds its log, with files and lines.</summary>
public sealed class KernelCompilationException(string module, string architecture, string log)
    : SposException($"native/kernels/{module}.cu does not compile for {architecture}:\n{log}");

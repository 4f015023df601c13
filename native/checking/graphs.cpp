// Capture and graphs: finds handles of streams and graphs that do not exist. What a graph's launches do to memory, the
// emulator finds.
#include "call.h"
#include "checked_device.h"

using namespace spos::checking;

namespace {

CUresult missing(const char* call, const std::string& what) {
    return found(CUDA_ERROR_INVALID_VALUE, std::string(call) + " of " + what);
}

CUresult missing_graph(const char* call) { return missing(call, "a graph that there is not, or of another device"); }

template <class Forward>
CUresult on_stream(const char* call, CUstream stream, Forward&& forward) {
    return checked(call, [&](const Emulator& emulator) {
        const std::string strange = stream == nullptr ? "the null stream" : stranger(stream);
        return strange.empty() ? forward(emulator) : missing(call, strange);
    });
}

}  // namespace

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    return on_stream("cuStreamBeginCapture", stream,
                     [&](const Emulator& emulator) { return emulator.cuStreamBeginCapture_v2(stream, mode); });
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
    return on_stream("cuStreamEndCapture", stream, [&](const Emulator& emulator) {
        const CUresult result = emulator.cuStreamEndCapture(stream, graph);
        if (result == CUDA_SUCCESS) Ledger::instance().graphs.insert(*graph);
        return result;
    });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long flags) {
    return checked("cuGraphInstantiate", [&](const Emulator& emulator) {
        if (Ledger::instance().graphs.count(graph) == 0) return missing_graph("cuGraphInstantiate");
        const CUresult result = emulator.cuGraphInstantiateWithFlags(executable, graph, flags);
        if (result == CUDA_SUCCESS) Ledger::instance().executables.insert(*executable);
        return result;
    });
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    return on_stream("cuGraphLaunch", stream, [&](const Emulator& emulator) {
        if (Ledger::instance().executables.count(executable) == 0) return missing_graph("cuGraphLaunch");
        return emulator.cuGraphLaunch(executable, stream);
    });
}

CUresult cuGraphExecDestroy(CUgraphExec executable) {
    return checked("cuGraphExecDestroy", [&](const Emulator& emulator) {
        if (Ledger::instance().executables.erase(executable) == 0) return missing_graph("cuGraphExecDestroy");
        return emulator.cuGraphExecDestroy(executable);
    });
}

CUresult cuGraphDestroy(CUgraph graph) {
    return checked("cuGraphDestroy", [&](const Emulator& emulator) {
        if (Ledger::instance().graphs.erase(graph) == 0) return missing_graph("cuGraphDestroy");
        return emulator.cuGraphDestroy(graph);
    });
}

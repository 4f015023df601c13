// Capture of a stream, and graphs. Stricter than NVIDIA's driver: a capture takes launches, fills, and copies within
// device memory alone; nothing else on its stream, and no event.
#include "graphs.h"

#include "../driver/memory_limit.h"
#include "arena.h"
#include "queue.h"

using namespace spos::simt;
using spos::handles;
using spos::is_own;

namespace {

// About what a graph takes of the device's memory for each launch: the arguments, and how it is issued.
constexpr size_t kNodeBytes = 256;

template <class Body>
CUresult on_stream(CUstream stream, Body&& body) noexcept {
    return guarded([&](Queue& queue) {
        CUstream found = queue.find(stream);
        return found == nullptr ? CUDA_ERROR_INVALID_HANDLE : body(queue, found);
    });
}

}  // namespace

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    return on_stream(stream, [&](Queue& queue, CUstream found) {
        if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        if (queue.is_null_stream(found)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        if (found->capture) return CUDA_ERROR_INVALID_VALUE;
        found->capture = std::make_unique<CUgraph_st>(CUgraph_st{spos::current_device(), {}});
        return CUDA_SUCCESS;
    });
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph* graph) {
    return on_stream(stream, [&](Queue&, CUstream found) {
        if (graph == nullptr || !found->capture) return CUDA_ERROR_INVALID_VALUE;
        *graph = nullptr;
        const std::unique_ptr<CUgraph_st> captured = std::move(found->capture);
        if (!captured->valid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
        *graph = handles<CUgraph_st>().add(new CUgraph_st(*captured));
        return CUDA_SUCCESS;
    });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long flags) {
    return guarded([&](Queue&) {
        if (executable == nullptr || flags != 0) return CUDA_ERROR_INVALID_VALUE;
        if (!is_own(graph)) return CUDA_ERROR_INVALID_VALUE;
        // The room is only checked and not taken, so that what the arena has in use is buffers alone.
        const size_t used = Arena::instance().used() + graph->nodes.size() * kNodeBytes;
        if (used > spos::limited(Arena::instance().bytes())) return CUDA_ERROR_OUT_OF_MEMORY;
        *executable = handles<CUgraphExec_st>().add(new CUgraphExec_st{graph->device, graph->nodes});
        return CUDA_SUCCESS;
    });
}

CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    return on_stream(stream, [&](Queue& queue, CUstream found) {
        if (!is_own(executable)) return CUDA_ERROR_INVALID_VALUE;
        if (const CUresult refused = queue.refuse_capture(found); refused != CUDA_SUCCESS) return refused;
        for (const GraphNode& node : executable->nodes) queue.issue(found, node.what, node.run);
        return CUDA_SUCCESS;
    });
}

// What it has issued holds its own, so that a graph may end before its work has run.
CUresult cuGraphExecDestroy(CUgraphExec executable) {
    return guarded([&](Queue&) {
        if (!handles<CUgraphExec_st>().remove(executable)) return CUDA_ERROR_INVALID_VALUE;
        delete executable;
        return CUDA_SUCCESS;
    });
}

CUresult cuGraphDestroy(CUgraph graph) {
    return guarded([&](Queue&) {
        if (!handles<CUgraph_st>().remove(graph)) return CUDA_ERROR_INVALID_VALUE;
        delete graph;
        return CUDA_SUCCESS;
    });
}

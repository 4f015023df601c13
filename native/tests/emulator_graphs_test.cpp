// Graphs on the emulated GPU: a capture runs nothing, each launch of what it gave does the work anew, and what no
// capture can hold is refused there and then.
#include <functional>
#include <utility>

#include "../abi/cuda_graphs.h"
#include "emulator.h"

namespace {

constexpr unsigned kThreads = 32;
constexpr size_t kBytes = kThreads * sizeof(int);

std::vector<int> all(int value) { return std::vector<int>(kThreads, value); }

// What `issue` issues to the stream, as a graph ready to launch.
template <class Issue>
CUgraphExec captured(CUstream stream, Issue&& issue) {
    OK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    issue();
    CUgraph graph = nullptr;
    CUgraphExec executable = nullptr;
    OK(cuStreamEndCapture(stream, &graph));
    OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
    OK(cuGraphDestroy(graph));
    return executable;
}

}  // namespace

TEST_CASE("a graph does its work at each launch, and not while it is captured") {
    for (auto seed : kSeeds) {
        Emulator gpu(seed);
        const CUstream stream = gpu.stream();
        const CUdeviceptr x = gpu.upload(all(1)), y = gpu.upload(all(0)), z = gpu.upload(all(0));
        const CUgraphExec graph = captured(stream, [&] {
            gpu.launch("increment", {}, {kThreads}, 0, stream, y, x);
            OK(cuMemcpyDtoDAsync_v2(x, y, kBytes, stream));
            OK(cuMemsetD32Async(z, 7, kThreads, stream));
        });
        OK(cuStreamSynchronize(stream));
        CHECK(gpu.download<int>(y, kThreads) == all(0));
        for (int i = 1; i <= 3; ++i) {
            OK(cuGraphLaunch(graph, stream));
            OK(cuStreamSynchronize(stream));
            CHECK(gpu.download<int>(x, kThreads) == all(1 + i));
            CHECK(gpu.download<int>(z, kThreads) == all(7));
        }
        // What was launched runs although the graph has ended.
        OK(cuGraphLaunch(graph, stream));
        OK(cuGraphExecDestroy(graph));
        OK(cuStreamSynchronize(stream));
        CHECK(gpu.download<int>(x, kThreads) == all(5));
    }
}

TEST_CASE("what no capture takes is refused, and the capture is lost, but not the stream") {
    Emulator gpu(0);
    const CUstream stream = gpu.stream(), other = gpu.stream();
    const CUdeviceptr x = gpu.upload(all(1));
    CUevent event = nullptr;
    OK(cuEventCreate(&event, 2));
    OK(cuEventRecord(event, other));
    const CUgraphExec graph = captured(stream, [] {});
    int values[kThreads] = {};
    CUdeviceptr memory = 0;
    const std::pair<CUresult, std::function<CUresult()>> calls[] = {
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuStreamSynchronize(stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuStreamQuery(stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [] { return cuCtxSynchronize(); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemcpyHtoDAsync_v2(x, values, kBytes, stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemcpyDtoHAsync_v2(values, x, kBytes, stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemAllocAsync(&memory, kBytes, stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuMemFreeAsync(x, stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuEventRecord(event, stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, [&] { return cuGraphLaunch(graph, stream); }},
        {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, [&] { return cuStreamWaitEvent(stream, event, 0); }},
    };
    for (const auto& [result, call] : calls) {
        OK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
        gpu.launch("increment", {}, {kThreads}, 0, stream, x, x);
        CHECK(call() == result);
        CUgraph lost = nullptr;
        CHECK(cuStreamEndCapture(stream, &lost) == CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
        CHECK(lost == nullptr);
    }
    // Another stream, and memory that is nobody's yet, are no part of it.
    const CUgraphExec whole = captured(stream, [&] {
        gpu.launch("increment", {}, {kThreads}, 0, stream, x, x);
        OK(cuStreamSynchronize(other));
        memory = gpu.allocate(kBytes);
        OK(cuMemFree_v2(memory));
    });
    OK(cuGraphLaunch(whole, stream));
    OK(cuStreamSynchronize(stream));
    CHECK(gpu.download<int>(x, kThreads) == all(2));
}

TEST_CASE("a graph's launch is work of its stream: what no event orders is a race, and freed memory is found") {
    for (auto seed : kSeeds) {
        for (bool freed : {false, true}) {
            Emulator gpu(seed);
            const CUstream stream = gpu.stream(), other = gpu.stream();
            const CUdeviceptr x = gpu.upload(all(1)), y = gpu.upload(all(0));
            const CUgraphExec graph =
                captured(stream, [&] { gpu.launch("increment", {}, {kThreads}, 0, stream, y, x); });
            OK(cuGraphLaunch(graph, stream));
            OK(cuStreamSynchronize(stream));
            if (freed) {
                OK(cuMemFree_v2(x));
            } else {
                OK(cuMemsetD32Async(x, 0, kThreads, other));
            }
            OK(cuGraphLaunch(graph, stream));
            CHECK(cuCtxSynchronize() != CUDA_SUCCESS);
            const std::string report = gpu.report();
            CAPTURE(report);
            CHECK(report.find(freed ? "use after free" : "race") != std::string::npos);
        }
    }
}

TEST_CASE("a work of the host keeps its context for each launch") {
    Emulator gpu(0);
    const CUstream stream = gpu.stream();
    const CUdeviceptr x = gpu.upload(all(0));
    struct Count {
        int* target;
        int left;
    } count{reinterpret_cast<int*>(x), 3};
    const sposSimtRange range{x, sizeof(int), 1};
    // It uses its copy of the context up.
    const auto work = [](void* context) {
        auto* c = static_cast<Count*>(context);
        *c->target += c->left;
        c->left = 0;
    };
    const CUgraphExec graph =
        captured(stream, [&] { OK(sposSimtIssue(stream, "count", work, &count, sizeof count, &range, 1)); });
    for (int i = 0; i < 2; ++i) OK(cuGraphLaunch(graph, stream));
    OK(cuStreamSynchronize(stream));
    CHECK(gpu.download<int>(x, 1) == std::vector<int>{6});
}

TEST_CASE("a graph's calls take no handle that is none, and no capture begins in a capture") {
    Emulator gpu(0);
    const CUstream stream = gpu.stream();
    CUgraph graph = nullptr;
    CUgraphExec executable = nullptr;
    CHECK(cuStreamBeginCapture_v2(nullptr, CU_STREAM_CAPTURE_MODE_RELAXED) == CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    CHECK(cuStreamBeginCapture_v2(stream, static_cast<CUstreamCaptureMode>(3)) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuStreamEndCapture(stream, &graph) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuGraphInstantiateWithFlags(&executable, nullptr, 0) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuGraphLaunch(nullptr, stream) == CUDA_ERROR_INVALID_VALUE);
    OK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    CHECK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuStreamEndCapture(stream, nullptr) == CUDA_ERROR_INVALID_VALUE);
    OK(cuStreamEndCapture(stream, &graph));
    CHECK(cuGraphInstantiateWithFlags(&executable, graph, 1) == CUDA_ERROR_INVALID_VALUE);
    OK(cuGraphInstantiateWithFlags(&executable, graph, 0));
    OK(cuGraphDestroy(graph));
    CHECK(cuGraphDestroy(graph) == CUDA_ERROR_INVALID_VALUE);
    OK(cuGraphLaunch(executable, stream));
    OK(cuGraphExecDestroy(executable));
    CHECK(cuGraphExecDestroy(executable) == CUDA_ERROR_INVALID_VALUE);
    CHECK(cuGraphLaunch(executable, stream) == CUDA_ERROR_INVALID_VALUE);
    OK(cuStreamDestroy_v2(stream));
    CHECK(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_RELAXED) == CUDA_ERROR_INVALID_HANDLE);
}

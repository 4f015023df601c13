// Streams, events and launches.
#include <cstring>

#include "../driver/modules.h"
#include "queue.h"

using namespace spos::simt;
using spos::handles;
using spos::is_own;

namespace {

// A call on a live stream.
template <class Body>
CUresult on_stream(CUstream stream, Body&& body) noexcept {
    return guarded([&](Queue& queue) {
        CUstream found = queue.find(stream);
        return found == nullptr ? CUDA_ERROR_INVALID_HANDLE : body(queue, found);
    });
}

template <class Body>
CUresult on_event(CUevent event, Body&& body) noexcept {
    return guarded([&](Queue& queue) { return is_own(event) ? body(queue) : CUDA_ERROR_INVALID_HANDLE; });
}

Failure nothing() { return {}; }

}  // namespace

CUresult cuStreamCreate(CUstream* stream, unsigned int) {
    return guarded([&](Queue& queue) {
        if (stream == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *stream = handles<CUstream_st>().add(queue.create());
        return CUDA_SUCCESS;
    });
}

CUresult cuStreamDestroy_v2(CUstream stream) {
    return guarded([&](Queue& queue) {
        if (stream == nullptr || queue.find(stream) == nullptr || !handles<CUstream_st>().remove(stream)) {
            return CUDA_ERROR_INVALID_HANDLE;
        }
        queue.destroy(stream);
        return CUDA_SUCCESS;
    });
}

CUresult cuStreamQuery(CUstream stream) {
    return on_stream(stream, [](Queue& queue, CUstream found) {
        if (const CUresult refused = queue.refuse_capture(found); refused != CUDA_SUCCESS) return refused;
        return found->last == nullptr || found->last->done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
    });
}

CUresult cuStreamSynchronize(CUstream stream) {
    return on_stream(stream, [](Queue& queue, CUstream found) {
        if (const CUresult refused = queue.refuse_capture(found); refused != CUDA_SUCCESS) return refused;
        queue.wait_for(found);
        return CUDA_SUCCESS;
    });
}

// Stricter than NVIDIA's driver: no stream waits for another device's event.
CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int) {
    return on_stream(stream, [&](Queue& queue, CUstream found) {
        if (!is_own(event)) return CUDA_ERROR_INVALID_HANDLE;
        // What it marks is of no capture.
        const CUresult refused = queue.refuse_capture(found, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
        if (refused != CUDA_SUCCESS) return refused;
        if (event->marker) found->wait_for.push_back(event->marker);
        return CUDA_SUCCESS;
    });
}

CUresult cuCtxSynchronize() {
    return guarded([](Queue& queue) {
        if (const CUresult refused = queue.refuse_captures(); refused != CUDA_SUCCESS) return refused;
        queue.wait_for_all();
        return CUDA_SUCCESS;
    });
}

CUresult cuEventCreate(CUevent* event, unsigned int) {
    return guarded([&](Queue&) {
        if (event == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *event = handles<CUevent_st>().add(new CUevent_st{spos::current_device(), nullptr});
        return CUDA_SUCCESS;
    });
}

CUresult cuEventDestroy_v2(CUevent event) {
    return guarded([&](Queue&) {
        if (!is_own(event) || !handles<CUevent_st>().remove(event)) return CUDA_ERROR_INVALID_HANDLE;
        delete event;
        return CUDA_SUCCESS;
    });
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    return on_stream(stream, [&](Queue& queue, CUstream found) {
        if (!is_own(event)) return CUDA_ERROR_INVALID_HANDLE;
        if (const CUresult refused = queue.refuse_capture(found); refused != CUDA_SUCCESS) return refused;
        event->marker = queue.issue(found, "cuEventRecord", nothing);
        return CUDA_SUCCESS;
    });
}

CUresult cuEventQuery(CUevent event) {
    return on_event(event, [&](Queue&) {
        return event->marker == nullptr || event->marker->done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
    });
}

CUresult cuEventSynchronize(CUevent event) {
    return on_event(event, [&](Queue& queue) {
        queue.wait_for(event->marker);
        return CUDA_SUCCESS;
    });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    return guarded([&](Queue&) {
        if (milliseconds == nullptr) return CUDA_ERROR_INVALID_VALUE;
        for (CUevent event : {start, end}) {
            if (!is_own(event) || !event->marker) return CUDA_ERROR_INVALID_HANDLE;
            if (!event->marker->done) return CUDA_ERROR_NOT_READY;
        }
        *milliseconds = static_cast<float>((end->marker->seconds - start->marker->seconds) * 1000);
        return CUDA_SUCCESS;
    });
}

CUresult cuLaunchKernel(CUfunction function, unsigned int grid_x, unsigned int grid_y, unsigned int grid_z,
                        unsigned int block_x, unsigned int block_y, unsigned int block_z, unsigned int shared_bytes,
                        CUstream stream, void** parameters, void** extra) {
    return on_stream(stream, [&](Queue& queue, CUstream found) {
        if (!is_own(function)) return CUDA_ERROR_INVALID_HANDLE;
        Launch launch{function->kernel, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes, {}};
        if (grid_x > 0x7FFFFFFF || grid_y > 65535 || grid_z > 65535 || launch.grid.count() == 0) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        if (block_x > 1024 || block_y > 1024 || block_z > 64 || launch.block.count() == 0 ||
            launch.block.count() > kMostThreadsPerBlock || shared_bytes > kMostSharedBytes) {
            return CUDA_ERROR_INVALID_VALUE;
        }
        if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
        const int count = launch.kernel->parameter_count;
        if (parameters == nullptr && count != 0) return CUDA_ERROR_INVALID_VALUE;
        launch.parameters.resize(static_cast<size_t>(count) * kParameterBytes);
        for (int i = 0; i < count; ++i) {
            if (parameters[i] == nullptr) return CUDA_ERROR_INVALID_VALUE;
            std::memcpy(launch.parameters.data() + static_cast<size_t>(i) * kParameterBytes, parameters[i],
                        static_cast<size_t>(launch.kernel->parameter_sizes[i]));
        }
        queue.issue(found, launch.kernel->name,
                    [&queue, launch = std::move(launch)] { return Executor::instance().run(launch, queue.order()); });
        return CUDA_SUCCESS;
    });
}

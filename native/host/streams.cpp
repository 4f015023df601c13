// Streams and events. Work has run by the time its call returns, so waiting is over at once.
#include "driver.h"

namespace {

template <class T>
CUresult create(T** handle) noexcept {
    return spos::guarded([&] {
        if (handle == nullptr) return CUDA_ERROR_INVALID_VALUE;
        *handle = spos::handles<T>().add(new T{spos::current_device()});
        return CUDA_SUCCESS;
    });
}

template <class T>
CUresult destroy(T* handle) noexcept {
    return spos::guarded([&] {
        if (!spos::is_own(handle) || !spos::handles<T>().remove(handle)) return CUDA_ERROR_INVALID_HANDLE;
        delete handle;
        return CUDA_SUCCESS;
    });
}

bool is_event(CUevent event) { return spos::is_own(event); }

}  // namespace

CUresult cuStreamCreate(CUstream* stream, unsigned int) { return create(stream); }
CUresult cuStreamDestroy_v2(CUstream stream) { return destroy(stream); }

CUresult cuStreamQuery(CUstream stream) { return cuStreamSynchronize(stream); }

CUresult cuStreamSynchronize(CUstream stream) {
    return spos::guarded([&] { return spos::is_stream(stream) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

CUresult cuCtxSynchronize() {
    return spos::guarded([] { return CUDA_SUCCESS; });
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int) {
    return spos::guarded(
        [&] { return spos::is_stream(stream) && is_event(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

CUresult cuEventCreate(CUevent* event, unsigned int) { return create(event); }
CUresult cuEventDestroy_v2(CUevent event) { return destroy(event); }

CUresult cuEventRecord(CUevent event, CUstream stream) {
    return spos::guarded([&] {
        if (!is_event(event) || !spos::is_stream(stream)) return CUDA_ERROR_INVALID_HANDLE;
        event->time = std::chrono::steady_clock::now();
        event->recorded = true;
        return CUDA_SUCCESS;
    });
}

CUresult cuEventQuery(CUevent event) { return cuEventSynchronize(event); }

CUresult cuEventSynchronize(CUevent event) {
    return spos::guarded([&] { return is_event(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    return spos::guarded([&] {
        if (milliseconds == nullptr) return CUDA_ERROR_INVALID_VALUE;
        if (!is_event(start) || !is_event(end) || !start->recorded || !end->recorded) {
            return CUDA_ERROR_INVALID_HANDLE;
        }
        *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
        return CUDA_SUCCESS;
    });
}

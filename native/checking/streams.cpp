// Streams and events. What two streams do to the same bytes without an event between is the emulator's to find; here
// are waits that order nothing, and handles that there are not.
#include "call.h"
#include "checked_device.h"

using namespace spos::checking;

namespace {

constexpr unsigned kDisableTiming = 2;  // CU_EVENT_DISABLE_TIMING

// forward(emulator) on a live stream.
template <class Forward>
CUresult on_stream(const char* call, CUstream stream, Forward&& forward) {
    return checked(call, [&](const Emulator& emulator) {
        const std::string strange = stranger(stream);
        if (!strange.empty()) return found(CUDA_ERROR_INVALID_HANDLE, std::string(call) + " of " + strange);
        return forward(emulator);
    });
}

// What is wrong with using an event, or success.
CUresult check_event(const std::string& call, CUevent event, bool must_be_recorded) {
    const auto& events = Ledger::instance().events;
    const auto at = events.find(event);
    if (at == events.end()) {
        const std::string owner = elsewhere([&](const Ledger& other) { return other.events.count(event) != 0; });
        return found(CUDA_ERROR_INVALID_HANDLE,
                     call + (owner.empty() ? ": the event was destroyed, or never created" : ": an event" + owner));
    }
    if (must_be_recorded && !at->second.recorded) {
        return found(CUDA_ERROR_INVALID_VALUE, call + ": the event was never recorded, so this waits for nothing");
    }
    return CUDA_SUCCESS;
}

}  // namespace

CUresult cuStreamCreate(CUstream* stream, unsigned int flags) {
    return checked("cuStreamCreate", [&](const Emulator& emulator) {
        if (flags > 1) return found(CUDA_ERROR_INVALID_VALUE, "cuStreamCreate: unknown flags");
        const CUresult result = emulator.cuStreamCreate(stream, flags);
        if (result == CUDA_SUCCESS) Ledger::instance().streams.insert(*stream);
        return result;
    });
}

CUresult cuStreamDestroy_v2(CUstream stream) {
    return checked("cuStreamDestroy", [&](const Emulator& emulator) {
        const std::string strange = stream == nullptr ? "the null stream" : stranger(stream);
        if (!strange.empty()) return found(CUDA_ERROR_INVALID_HANDLE, "cuStreamDestroy of " + strange);
        Ledger::instance().streams.erase(stream);
        return emulator.cuStreamDestroy_v2(stream);
    });
}

CUresult cuStreamQuery(CUstream stream) {
    return on_stream("cuStreamQuery", stream, [&](const Emulator& emulator) { return emulator.cuStreamQuery(stream); });
}

CUresult cuStreamSynchronize(CUstream stream) {
    return on_stream("cuStreamSynchronize", stream,
                     [&](const Emulator& emulator) { return emulator.cuStreamSynchronize(stream); });
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
    return on_stream("cuStreamWaitEvent", stream, [&](const Emulator& emulator) {
        const CUresult result = check_event("cuStreamWaitEvent", event, true);
        return result == CUDA_SUCCESS ? emulator.cuStreamWaitEvent(stream, event, flags) : result;
    });
}

CUresult cuEventCreate(CUevent* event, unsigned int flags) {
    return checked("cuEventCreate", [&](const Emulator& emulator) {
        const CUresult result = emulator.cuEventCreate(event, flags);
        if (result == CUDA_SUCCESS) Ledger::instance().events[*event] = {(flags & kDisableTiming) == 0, false};
        return result;
    });
}

CUresult cuEventDestroy_v2(CUevent event) {
    return checked("cuEventDestroy", [&](const Emulator& emulator) {
        const CUresult result = check_event("cuEventDestroy", event, false);
        if (result != CUDA_SUCCESS) return result;
        Ledger::instance().events.erase(event);
        return emulator.cuEventDestroy_v2(event);
    });
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    return on_stream("cuEventRecord", stream, [&](const Emulator& emulator) {
        const CUresult result = check_event("cuEventRecord", event, false);
        if (result != CUDA_SUCCESS) return result;
        Ledger::instance().events[event].recorded = true;
        return emulator.cuEventRecord(event, stream);
    });
}

CUresult cuEventQuery(CUevent event) {
    return checked("cuEventQuery", [&](const Emulator& emulator) {
        const CUresult result = check_event("cuEventQuery", event, true);
        return result == CUDA_SUCCESS ? emulator.cuEventQuery(event) : result;
    });
}

CUresult cuEventSynchronize(CUevent event) {
    return checked("cuEventSynchronize", [&](const Emulator& emulator) {
        const CUresult result = check_event("cuEventSynchronize", event, true);
        return result == CUDA_SUCCESS ? emulator.cuEventSynchronize(event) : result;
    });
}

CUresult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    return checked("cuEventElapsedTime", [&](const Emulator& emulator) {
        for (CUevent event : {start, end}) {
            const CUresult result = check_event("cuEventElapsedTime", event, true);
            if (result != CUDA_SUCCESS) return result;
            if (!Ledger::instance().events[event].timed) {
                return found(CUDA_ERROR_INVALID_HANDLE, "cuEventElapsedTime of an event without timing");
            }
        }
        return emulator.cuEventElapsedTime(milliseconds, start, end);
    });
}

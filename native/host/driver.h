// Shared by the files that implement the driver API over the CPU: what handles point to.
//
// Work runs at once in the calling thread and its helpers, which is one of the orders that the asynchronous
// interface allows. So streams and events need no queue: a stream is a name, an event a time.
#pragma once

#include <chrono>

#include "../driver/call.h"
#include "../driver/handles.h"

struct CUstream_st {
    int device;  // whose context it was made in
};

struct CUevent_st {
    int device;
    std::chrono::steady_clock::time_point time{};
    bool recorded = false;
};

namespace spos {

// The null stream, or one that cuStreamCreate gave.
inline bool is_stream(CUstream stream) { return stream == nullptr || is_own(stream); }

}  // namespace spos

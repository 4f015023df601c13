// Streams and events. Work is only noted when it is issued; it runs when somebody waits for it, in any order that the
// streams and events allow, as the seed chooses.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../driver/call.h"
#include "../driver/handles.h"
#include "access.h"
#include "executor.h"
#include "graphs.h"

namespace spos::simt {

// For each stream, how many of its operations are over before something begins.
using Clock = std::vector<uint64_t>;

struct Operation {
    std::string what;
    std::function<Failure()> run;
    size_t stream;
    uint64_t number;  // in its stream, from 1
    Clock clock;      // what must be over before, itself included
    std::vector<std::shared_ptr<Operation>> after;
    bool done = false;
    double seconds = 0;  // when it ended
};

}  // namespace spos::simt

struct CUstream_st {
    size_t index;
    std::deque<std::shared_ptr<spos::simt::Operation>> waiting;
    std::shared_ptr<spos::simt::Operation> last;
    std::vector<std::shared_ptr<spos::simt::Operation>> wait_for;  // events that its next operation waits for
    uint64_t issued = 0;
    std::unique_ptr<CUgraph_st> capture;  // while what is issued is only noted
};

struct CUevent_st {
    int device;  // whose context it was made in
    std::shared_ptr<spos::simt::Operation> marker;
};

namespace spos::simt {

class Queue {
 public:
    Queue() { null_stream_ = create(); }
    // Of the GPU whose turn it is.
    static Queue& instance();

    CUstream create();
    // Runs what is left of it first.
    void destroy(CUstream stream);
    CUstream find(CUstream stream);  // the null stream's own, or the stream; null if this GPU has none such
    bool is_null_stream(CUstream found) const { return found == null_stream_; }

    // For a call that no capture takes: if the stream is captured, the capture is lost, and this is the call's result.
    CUresult refuse_capture(CUstream stream, CUresult why = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    // The same for a call that waits for all streams.
    CUresult refuse_captures();

    // Null while the stream is captured: then it is only noted.
    std::shared_ptr<Operation> issue(CUstream stream, std::string what, std::function<Failure()> run);
    void wait_for(const std::shared_ptr<Operation>& target);
    void wait_for(CUstream stream);
    void wait_for_all();

    void set_schedule(uint64_t seed) { order_ = Order(seed); }
    Order& order() { return order_; }
    // The status that every call gives once something went wrong, and what that was.
    CUresult status() const { return failure_.code; }
    const std::string& report() const { return failure_.text; }
    void fail(const Failure& failure);
    void reset();

 private:
    struct Ran {
        IdRange ids;
        size_t stream;
        uint64_t number;
    };

    bool is_over_for_all(const Ran& ran) const;
    void drop_waiting();
    void run_one();
    void run(const std::shared_ptr<Operation>& operation);
    std::vector<IdRange> unordered(const Operation& operation) const;

    CUstream null_stream_ = nullptr;
    std::vector<CUstream> streams_;
    Clock host_;  // what the host has waited for
    std::deque<Ran> ran_;
    Order order_;
    Failure failure_;
};

// As spos::guarded, with the queue.
template <class Body>
CUresult guarded(Body&& body) noexcept {
    return spos::guarded([&] { return body(Queue::instance()); });
}

}  // namespace spos::simt

#include "queue.h"

#include <algorithm>
#include <chrono>

#include "arena.h"

namespace spos::simt {
namespace {

void merge(Clock& into, const Clock& other) {
    if (into.size() < other.size()) into.resize(other.size());
    for (size_t i = 0; i < other.size(); ++i) into[i] = std::max(into[i], other[i]);
}

bool is_over(const Clock& clock, size_t stream, uint64_t number) {
    return stream < clock.size() && clock[stream] >= number;
}

}  // namespace

CUstream Queue::create() {
    auto* stream = new CUstream_st;
    auto gap = std::find(streams_.begin(), streams_.end(), nullptr);
    if (gap == streams_.end()) gap = streams_.insert(gap, nullptr);
    *gap = stream;
    stream->index = static_cast<size_t>(gap - streams_.begin());
    // A stream that takes the place of an ended one goes on counting where the host's clock stands.
    stream->issued = stream->index < host_.size() ? host_[stream->index] : 0;
    return stream;
}

void Queue::destroy(CUstream stream) {
    wait_for(stream);
    streams_[stream->index] = nullptr;
    delete stream;
}

CUstream Queue::find(CUstream stream) {
    if (stream == nullptr) return null_stream_;
    if (!handles<CUstream_st>().contains(stream)) return nullptr;
    return stream->index < streams_.size() && streams_[stream->index] == stream ? stream : nullptr;
}

CUresult Queue::refuse_capture(CUstream stream, CUresult why) {
    if (!stream->capture) return CUDA_SUCCESS;
    stream->capture->valid = false;
    return why;
}

CUresult Queue::refuse_captures() {
    CUresult result = CUDA_SUCCESS;
    for (CUstream stream : streams_) {
        if (stream != nullptr && stream->capture) result = refuse_capture(stream);
    }
    return result;
}

std::shared_ptr<Operation> Queue::issue(CUstream stream, std::string what, std::function<Failure()> run) {
    if (stream->capture) {
        stream->capture->nodes.push_back({std::move(what), std::move(run)});
        return nullptr;
    }
    auto operation = std::make_shared<Operation>();
    operation->what = std::move(what);
    operation->run = std::move(run);
    operation->stream = stream->index;
    operation->number = ++stream->issued;
    operation->after = std::move(stream->wait_for);
    stream->wait_for.clear();
    operation->clock = host_;
    if (stream->last) merge(operation->clock, stream->last->clock);
    for (const auto& other : operation->after) merge(operation->clock, other->clock);
    if (operation->clock.size() <= stream->index) operation->clock.resize(stream->index + 1);
    operation->clock[stream->index] = operation->number;
    stream->last = operation;
    stream->waiting.push_back(operation);
    return operation;
}

void Queue::wait_for(const std::shared_ptr<Operation>& target) {
    if (!target) return;
    while (!target->done && failure_.code == CUDA_SUCCESS) run_one();
    merge(host_, target->clock);
    while (!ran_.empty() && is_over_for_all(ran_.front())) ran_.pop_front();
    Arena::instance().set_accessible(false);
}

// Whether the host has waited for it, and whatever is still to run comes after it.
bool Queue::is_over_for_all(const Ran& ran) const {
    return is_over(host_, ran.stream, ran.number) &&
           std::all_of(streams_.begin(), streams_.end(), [&](CUstream stream) {
               return stream == nullptr || stream->waiting.empty() ||
                      is_over(stream->waiting.front()->clock, ran.stream, ran.number);
           });
}

void Queue::wait_for(CUstream stream) { wait_for(stream->last); }

void Queue::wait_for_all() {
    for (CUstream stream : streams_) {
        if (stream != nullptr) wait_for(stream);
    }
}

// Any operation that is first in its stream and whose events have come.
void Queue::run_one() {
    std::vector<CUstream> able;
    for (CUstream stream : streams_) {
        if (stream == nullptr || stream->waiting.empty()) continue;
        const auto& after = stream->waiting.front()->after;
        if (std::all_of(after.begin(), after.end(), [](const auto& other) { return other->done; }))
            able.push_back(stream);
    }
    CUstream chosen = able.at(order_.below(able.size()));
    const auto operation = chosen->waiting.front();
    chosen->waiting.pop_front();
    run(operation);
}

void Queue::run(const std::shared_ptr<Operation>& operation) {
    AccessLog& log = AccessLog::instance();
    Arena& arena = Arena::instance();
    if (log.nearly_full()) {
        arena.age();
        log.restart();
        ran_.clear();
    }
    arena.set_accessible(true);
    log.begin(unordered(*operation));
    const Failure failure = operation->run();
    operation->done = true;
    operation->run = nullptr;
    operation->after.clear();
    operation->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    ran_.push_back({{log.first_id(), log.last_id(), operation->what}, operation->stream, operation->number});
    if (failure.code != CUDA_SUCCESS) fail(failure);
}

std::vector<IdRange> Queue::unordered(const Operation& operation) const {
    std::vector<IdRange> ranges;
    for (const Ran& ran : ran_) {
        if (!is_over(operation.clock, ran.stream, ran.number)) ranges.push_back(ran.ids);
    }
    return ranges;
}

void Queue::fail(const Failure& failure) {
    if (failure_.code != CUDA_SUCCESS) return;
    failure_ = failure;
    drop_waiting();
}

// What is dropped counts as over, so that nobody waits for it.
void Queue::drop_waiting() {
    for (CUstream stream : streams_) {
        if (stream == nullptr) continue;
        for (const auto& operation : stream->waiting) {
            operation->done = true;
            operation->run = nullptr;
        }
        stream->waiting.clear();
        stream->wait_for.clear();
        stream->capture = nullptr;
    }
}

void Queue::reset() {
    failure_ = {};
    drop_waiting();
    for (CUstream stream : streams_) {
        if (stream != nullptr && stream->last) merge(host_, stream->last->clock);
    }
    ran_.clear();
    Arena::instance().release_all();
    Arena::instance().set_accessible(false);
}

}  // namespace spos::simt

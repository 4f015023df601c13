#include "thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>

#include "../driver/device.h"

namespace spos {
namespace {

// How long to spin before sleeping: some tenths of a millisecond. Launches follow each other within microseconds, but
// between two batches of one picture the host does work of its own, and a helper that sleeps then is late for the next.
constexpr int kSpins = 20000;

void pause() { __builtin_ia32_pause(); }

// A device's share of the cores this process may run on, or what SPOS_THREADS says.
int default_threads() {
    if (const char* text = std::getenv("SPOS_THREADS")) {
        const int threads = std::atoi(text);
        if (threads > 0) return threads;
    }
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) == 0) return std::max(1, CPU_COUNT(&cores) / device_count());
    return 1;
}

}  // namespace

ThreadPool& ThreadPool::of(int device) {
    // Never destroyed: worker threads of the process may still launch while it exits.
    static std::atomic<ThreadPool*> pools[kMostDevices];
    if (ThreadPool* const made = pools[device].load(std::memory_order_acquire)) return *made;
    static auto* const making = new std::mutex;
    std::lock_guard lock(*making);
    if (pools[device].load(std::memory_order_relaxed) == nullptr) {
        pools[device].store(new ThreadPool(default_threads()), std::memory_order_release);
    }
    return *pools[device].load(std::memory_order_relaxed);
}

ThreadPool::~ThreadPool() { stop_helpers(); }

void ThreadPool::set_threads(int threads) {
    std::lock_guard lock(owner_);
    stop_helpers();
    threads_ = threads;
    shares_ = std::make_unique<Share[]>(threads);
    // Read here, not by the helper: a helper that starts late must still see what has changed since, stopping included.
    const unsigned seen = generation_.load();
    try {
        for (int i = 1; i < threads; ++i) helpers_.emplace_back([this, i, seen] { help(i, seen); });
    } catch (...) {
        // The system starts no more; those that there are can work.
        threads_ = static_cast<int>(helpers_.size()) + 1;
        throw;
    }
}

void ThreadPool::stop_helpers() {
    stopping_ = true;
    generation_.fetch_add(1);
    generation_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
    helpers_.clear();
    stopping_ = false;
}

void ThreadPool::run(unsigned count, Task task, void* context) {
    std::unique_lock lock(owner_, std::try_to_lock);
    if (count <= 1 || !lock.owns_lock() || helpers_.empty()) {
        for (unsigned i = 0; i < count; ++i) task(context, i);
        return;
    }
    task_ = task;
    context_ = context;
    share_count_ = static_cast<unsigned>(helpers_.size()) + 1;
    for (unsigned t = 0, first = 0; t < share_count_; ++t) {
        const unsigned end = static_cast<unsigned>(static_cast<unsigned long long>(count) * (t + 1) / share_count_);
        shares_[t].next.store(first, std::memory_order_relaxed);
        shares_[t].end = first = end;
    }
    state_.store(0, std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    work(0);
    unsigned state = state_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
    for (int spins = 0; state != kClosed; state = state_.load(std::memory_order_acquire)) {
        if (++spins < kSpins) {
            pause();
        } else {
            state_.wait(state);
        }
    }
}

void ThreadPool::work(unsigned thread) {
    for (unsigned t = 0; t < share_count_; ++t) {
        Share& share = shares_[(thread + t) % share_count_];
        while (share.next.load(std::memory_order_relaxed) < share.end) {
            const unsigned i = share.next.fetch_add(1, std::memory_order_relaxed);
            if (i >= share.end) break;
            task_(context_, i);
        }
    }
}

void ThreadPool::help(unsigned thread, unsigned seen) {
    for (;;) {
        for (int spins = 0; generation_.load(std::memory_order_acquire) == seen; ++spins) {
            if (spins < kSpins) {
                pause();
            } else {
                generation_.wait(seen);
            }
        }
        seen = generation_.load(std::memory_order_acquire);
        if (stopping_) return;
        // The job's fields may be read only after joining it; a job that closed meanwhile is left alone.
        unsigned state = state_.load(std::memory_order_acquire);
        while (!(state & kClosed) && !state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) {
        }
        if (state & kClosed) continue;
        work(thread);
        if (state_.fetch_sub(1, std::memory_order_acq_rel) == (kClosed | 1)) state_.notify_all();
    }
}

}  // namespace spos

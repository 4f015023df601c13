// One emulated GPU: its memory, who accessed it, what runs its blocks, and its streams.
//
// One call runs at a time, whichever GPU it is for. What it works on is the one whose turn it is, so that kernels,
// which know nothing of devices, meet their own.
#pragma once

#include <mutex>

#include "access.h"
#include "arena.h"
#include "executor.h"
#include "queue.h"

namespace spos::simt {

struct Gpu {
    Arena arena;
    AccessLog log;
    Executor executor;
    Queue queue;

    // Made when first asked for; never destroyed.
    static Gpu& of(int device);

    // Guards all of them: one call at a time.
    static std::recursive_mutex& mutex();
    // From now on it is this one's turn. The mutex is held.
    static void begin_turn(int device);
    // Whose turn it is.
    static Gpu& current() { return *current_; }
    // Whether a kernel runs.
    static bool runs_kernel() { return current_ != nullptr && current_->executor.running(); }

 private:
    static Gpu* current_;
};

}  // namespace spos::simt

// Fibres: stacks that a thread changes between by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spos::simt {

// A saved stack pointer; the registers that calls keep are on the stack.
using FibreContext = void*;

// Stacks with a page between them that nobody may touch, so that an overflow faults.
class FibreStacks {
 public:
    static constexpr size_t kStackBytes = size_t{256} << 10;

    FibreStacks(size_t count, void (*entry)());

    // A fibre that is about to call entry, or that is wherever it was when it was given back; null if all are taken.
    FibreContext take();
    void give_back(FibreContext fibre) { free_.push_back(fibre); }
    // All fibres forget what they did. Not to be called from one.
    void reset();

    // From the scheduler's stack to a fibre's, until it calls leave. Saves where to come back to.
    void enter(FibreContext* scheduler, FibreContext fibre);
    // From a fibre's stack to the scheduler's, until somebody enters the fibre.
    static void leave(FibreContext* fibre, FibreContext scheduler);
    // The first that a fibre calls.
    static void entered();

    bool contains(uintptr_t address) const { return address - base_ < count_ * kStackBytes; }

 private:
    uintptr_t base_ = 0;
    size_t count_;
    void (*entry_)();
    std::vector<FibreContext> free_;
};

}  // namespace spos::simt

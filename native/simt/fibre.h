// Fibres: stacks that a thread changes between by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spos::simt {

// A saved stack pointer; the registers that calls keep are on the stack.
using FibreContext = void*;

extern "C" void spos_fibre_switch(FibreContext* save, FibreContext target);

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

    bool contains(uintptr_t address) const { return address - base_ < count_ * kStackBytes; }

 private:
    uintptr_t base_ = 0;
    size_t count_;
    void (*entry_)();
    std::vector<FibreContext> free_;
};

}  // namespace spos::simt

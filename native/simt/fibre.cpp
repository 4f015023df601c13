#include "fibre.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

// The System V calling convention for x86-64: rbx, rbp and r12 to r15 belong to the caller.
asm(R"(
    .text
    .globl spos_fibre_switch
    .hidden spos_fibre_switch
    .type spos_fibre_switch, @function
spos_fibre_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size spos_fibre_switch, .-spos_fibre_switch
)");

namespace spos::simt {

FibreStacks::FibreStacks(size_t count, void (*entry)()) : count_(count), entry_(entry) {
    void* memory = mmap(nullptr, count * kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    base_ = reinterpret_cast<uintptr_t>(memory);
    const auto page = static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
    for (size_t i = 0; i < count; ++i) mprotect(reinterpret_cast<void*>(base_ + i * kStackBytes), page, PROT_NONE);
    reset();
}

void FibreStacks::reset() {
    constexpr int kSavedRegisters = 6;
    free_.clear();
    for (size_t i = count_; i-- > 0;) {
        auto* top = reinterpret_cast<uintptr_t*>(base_ + (i + 1) * kStackBytes);
        // A function expects the stack 8 bytes off a multiple of 16, as a call leaves it.
        top[-2] = reinterpret_cast<uintptr_t>(entry_);
        for (int r = 1; r <= kSavedRegisters; ++r) top[-2 - r] = 0;
        free_.push_back(&top[-2 - kSavedRegisters]);
    }
}

FibreContext FibreStacks::take() {
    if (free_.empty()) return nullptr;
    FibreContext fibre = free_.back();
    free_.pop_back();
    return fibre;
}

}  // namespace spos::simt

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

extern "C" void spos_fibre_switch(spos::simt::FibreContext* save, spos::simt::FibreContext target);

// AddressSanitizer must be told of stacks that are not the thread's.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SPOS_ASAN(call) call
#else
#define SPOS_ASAN(call)
#endif

namespace spos::simt {
namespace {

#ifdef __SANITIZE_ADDRESS__
const void* g_scheduler_stack;
size_t g_scheduler_stack_bytes;
#endif

}  // namespace

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
    SPOS_ASAN(__asan_unpoison_memory_region(reinterpret_cast<void*>(base_), count_ * kStackBytes));
    free_.clear();
    for (size_t i = count_; i-- > 0;) {
        auto* top = reinterpret_cast<uintptr_t*>(base_ + (i + 1) * kStackBytes);
        // A function expects the stack 8 bytes off a multiple of 16, as a call leaves it.
        top[-2] = reinterpret_cast<uintptr_t>(entry_);
        for (int r = 1; r <= kSavedRegisters; ++r) top[-2 - r] = 0;
        free_.push_back(&top[-2 - kSavedRegisters]);
    }
}

void FibreStacks::enter(FibreContext* scheduler, FibreContext fibre) {
    SPOS_ASAN(
        const size_t index = (reinterpret_cast<uintptr_t>(fibre) - base_) / kStackBytes; void* frames = nullptr;
        __sanitizer_start_switch_fiber(&frames, reinterpret_cast<void*>(base_ + index * kStackBytes), kStackBytes));
    spos_fibre_switch(scheduler, fibre);
    SPOS_ASAN(__sanitizer_finish_switch_fiber(frames, nullptr, nullptr));
}

void FibreStacks::leave(FibreContext* fibre, FibreContext scheduler) {
    SPOS_ASAN(void* frames = nullptr;
              __sanitizer_start_switch_fiber(&frames, g_scheduler_stack, g_scheduler_stack_bytes));
    spos_fibre_switch(fibre, scheduler);
    SPOS_ASAN(__sanitizer_finish_switch_fiber(frames, &g_scheduler_stack, &g_scheduler_stack_bytes));
}

void FibreStacks::entered() {
    SPOS_ASAN(__sanitizer_finish_switch_fiber(nullptr, &g_scheduler_stack, &g_scheduler_stack_bytes));
}

FibreContext FibreStacks::take() {
    if (free_.empty()) return nullptr;
    FibreContext fibre = free_.back();
    free_.pop_back();
    return fibre;
}

}  // namespace spos::simt

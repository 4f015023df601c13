// Export of the kernels that g++ compiles: how a driver library finds and calls those of a kernel library. Each
// kernel's entry calls it with parameters given as cuLaunchKernel gets them, once spos_set_block has named the block.
#pragma once

#include "kernel_entry.h"

extern "C" void spos_kernel_register(const SposKernelEntry* entry);

namespace {

template <class>
struct KernelTraits;

template <class... A>
struct KernelTraits<void (*)(A...)> {
    static constexpr int sizes[] = {(int)sizeof(A)...};
    static constexpr int count = sizeof...(A);

    template <size_t... I>
    struct Indices {};
    template <size_t N, size_t... I>
    struct Make : Make<N - 1, N - 1, I...> {};
    template <size_t... I>
    struct Make<0, I...> {
        using type = Indices<I...>;
    };

    template <void (*F)(A...), size_t... I>
    static void call(void** p, Indices<I...>) {
        F(*(A*)p[I]...);
    }
    template <void (*F)(A...)>
    static void invoke(void** p, unsigned grid_x, unsigned grid_y, unsigned block_x, unsigned block_y) {
        spos_set_block(grid_x, grid_y, block_x, block_y);
        call<F>(p, typename Make<sizeof...(A)>::type{});
    }
};

}  // namespace

#define SPOS_EXPORT(kernel)                                                                                       \
    namespace {                                                                                                   \
    const SposKernelEntry kernel##_entry{SPOS_MODULE, #kernel, &KernelTraits<decltype(&kernel)>::invoke<&kernel>, \
                                         KernelTraits<decltype(&kernel)>::count,                                  \
                                         KernelTraits<decltype(&kernel)>::sizes};                                 \
    struct kernel##_registrar {                                                                                   \
        kernel##_registrar() { spos_kernel_register(&kernel##_entry); }                                           \
    } kernel##_registrar_instance;                                                                                \
    }

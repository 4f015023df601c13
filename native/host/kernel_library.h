// The kernels, compiled once per instruction set into libraries of their own; the best one the CPU runs is loaded.
#pragma once

#include <string>
#include <vector>

#include "../toolchains/kernel_entry.h"

namespace spos {

class KernelLibrary {
 public:
    // Loaded on first use. SPOS_CPU names an instruction set to use instead of the best one.
    static const KernelLibrary& instance();

    bool loaded() const { return !kernels_.empty(); }
    const std::string& instruction_set() const { return instruction_set_; }

    // Sorted by name.
    const std::vector<const SposKernelEntry*>& kernels() const { return kernels_; }
    const SposKernelEntry* find(const char* module, const char* name) const;
    // The library's own copy of a module's name, or null.
    const char* find_module(const char* name) const;

 private:
    KernelLibrary();
    bool try_load(const std::string& instruction_set);

    std::string instruction_set_;
    std::vector<const SposKernelEntry*> kernels_;
};

}  // namespace spos

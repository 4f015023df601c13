// A library of compiled kernels, and those it holds.
#pragma once

#include <string>
#include <vector>

#include "../toolchains/kernel_entry.h"

namespace spos {

class KernelLibrary {
 public:
    // The one of this driver, found and loaded on first use. Each driver says which that is.
    static const KernelLibrary& instance();

    bool loaded() const { return !kernels_.empty(); }

    // Which of the libraries it is: the instruction set's name.
    const std::string& name() const { return name_; }

    // Sorted by name.
    const std::vector<const SposKernelEntry*>& kernels() const { return kernels_; }
    const SposKernelEntry* find(const char* module, const char* name) const;
    // The library's own copy of a module's name, or null.
    const char* find_module(const char* name) const;

    // The module that an image names, "spos-module NAME" (the library's own copy of the name); null if it is no such
    // image or names none, which `known` tells apart.
    const char* module_of_image(const void* image, bool* known) const;

 private:
    void choose();
    bool try_load(const std::string& name, const std::string& path);

    std::string name_;
    std::vector<const SposKernelEntry*> kernels_;
};

// The folder of the driver's own library.
std::string own_folder();

}  // namespace spos

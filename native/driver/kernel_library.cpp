#include "kernel_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>

#include "../abi/spos_kernels.h"

namespace spos {
namespace {

constexpr char kImagePrefix[] = "spos-module ";

}  // namespace

std::string own_folder() {
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
    const std::string path = info.dli_fname;
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

const KernelLibrary& KernelLibrary::instance() {
    static const KernelLibrary* const library = [] {
        auto* chosen = new KernelLibrary;
        chosen->choose();
        return chosen;
    }();
    return *library;
}

bool KernelLibrary::try_load(const std::string& name, const std::string& path) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return false;
    using Table = const SposKernelEntry* const* (*)(int*);
    const auto table = reinterpret_cast<Table>(dlsym(library, "spos_kernel_table"));
    if (table == nullptr) return false;
    int count = 0;
    const SposKernelEntry* const* entries = table(&count);
    kernels_.assign(entries, entries + count);
    std::sort(kernels_.begin(), kernels_.end(),
              [](const SposKernelEntry* a, const SposKernelEntry* b) { return std::strcmp(a->name, b->name) < 0; });
    name_ = name;
    return true;
}

const SposKernelEntry* KernelLibrary::find(const char* module, const char* name) const {
    for (const SposKernelEntry* kernel : kernels_) {
        if (std::strcmp(kernel->module, module) == 0 && std::strcmp(kernel->name, name) == 0) return kernel;
    }
    return nullptr;
}

const char* KernelLibrary::find_module(const char* name) const {
    for (const SposKernelEntry* kernel : kernels_) {
        if (std::strcmp(kernel->module, name) == 0) return kernel->module;
    }
    return nullptr;
}

const char* KernelLibrary::module_of_image(const void* image, bool* known) const {
    const char* text = static_cast<const char*>(image);
    *known = std::strncmp(text, kImagePrefix, sizeof kImagePrefix - 1) == 0;
    return *known ? find_module(text + sizeof kImagePrefix - 1) : nullptr;
}

}  // namespace spos

CUresult sposGetKernel(int index, const char** module, const char** kernel, int* parameter_count,
                       const int** parameter_sizes) {
    if (index < 0 || module == nullptr || kernel == nullptr || parameter_count == nullptr ||
        parameter_sizes == nullptr) {
        return CUDA_ERROR_INVALID_VALUE;
    }
    const auto& kernels = spos::KernelLibrary::instance().kernels();
    const SposKernelEntry* entry =
        static_cast<size_t>(index) < kernels.size() ? kernels[static_cast<size_t>(index)] : nullptr;
    *module = entry ? entry->module : nullptr;
    *kernel = entry ? entry->name : nullptr;
    *parameter_count = entry ? entry->parameter_count : 0;
    *parameter_sizes = entry ? entry->parameter_sizes : nullptr;
    return CUDA_SUCCESS;
}

#include "kernel_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace spos {
namespace {

// What the compiler may use for -march=x86-64-v3 and -v4. (Every CPU with these has the few others of the level.)
bool cpu_runs(const std::string& instruction_set) {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
    if (instruction_set == "avx512") {
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    }
    return instruction_set == "avx2" ? v3 : instruction_set == "x86-64";
}

std::string own_folder() {
    Dl_info info;
    if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return ".";
    const std::string path = info.dli_fname;
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

const KernelLibrary& KernelLibrary::instance() {
    static const KernelLibrary* const library = new KernelLibrary;
    return *library;
}

KernelLibrary::KernelLibrary() {
    const char* wanted = std::getenv("SPOS_CPU");
    for (const char* name : {"avx512", "avx2", "x86-64"}) {
        if (wanted != nullptr && std::strcmp(wanted, name) != 0) continue;
        if (cpu_runs(name) && try_load(name)) return;
    }
}

bool KernelLibrary::try_load(const std::string& instruction_set) {
    const std::string path = own_folder() + "/libspos_kernels_" + instruction_set + ".so";
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
    instruction_set_ = instruction_set;
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

}  // namespace spos

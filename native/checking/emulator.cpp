#include "emulator.h"

#include <dlfcn.h>

#include "../driver/kernel_library.h"
#include "findings.h"

namespace spos::checking {
namespace {

const Emulator* load() {
    const std::string path = own_folder() + "/../libspos_simt.so";
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* why = dlerror();
        found(CUDA_ERROR_NO_DEVICE, "the emulated GPU could not be loaded: " + std::string(why ? why : path.c_str()));
        return nullptr;
    }
    auto* emulator = new Emulator;
    bool whole = true;
#define SPOS_FIND(name)                                                                 \
    emulator->name = reinterpret_cast<decltype(emulator->name)>(dlsym(library, #name)); \
    whole = whole && emulator->name != nullptr;
    SPOS_FORWARDED(SPOS_FIND)
#undef SPOS_FIND
    if (!whole) found(CUDA_ERROR_NO_DEVICE, path + " lacks entry points");
    return whole ? emulator : nullptr;
}

}  // namespace

const Emulator* Emulator::instance() {
    static const Emulator* const emulator = load();
    return emulator;
}

}  // namespace spos::checking

// The kernels that the emulator runs: the same library as it loads itself.
void spos::KernelLibrary::choose() {
    const char* wanted = std::getenv("SPOS_SIMT_KERNELS");
    try_load("simt", wanted != nullptr ? wanted : own_folder() + "/../libspos_kernels_simt.so");
}

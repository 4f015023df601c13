// The kernels are compiled once per instruction set into libraries of their own; the best one the CPU runs is loaded.
// SPOS_CPU names an instruction set to use instead, in capitals or not.
#include <strings.h>

#include <cstdlib>

#include "../driver/kernel_library.h"

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

}  // namespace

void KernelLibrary::choose() {
    const char* wanted = std::getenv("SPOS_CPU");
    if (wanted != nullptr && *wanted == '\0') wanted = nullptr;
    for (const char* name : {"avx512", "avx2", "x86-64"}) {
        if (wanted != nullptr && strcasecmp(wanted, name) != 0) continue;
        if (cpu_runs(name) && try_load(name, own_folder() + "/libspos_kernels_" + name + ".so")) return;
    }
}

}  // namespace spos

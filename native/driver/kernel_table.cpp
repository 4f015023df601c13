// Collects the kernels of one instruction set's library as their registrars run, and hands them out.
#include <vector>

struct SposKernelEntry;

namespace {

std::vector<const SposKernelEntry*>& entries() {
    static std::vector<const SposKernelEntry*> list;
    return list;
}

}  // namespace

extern "C" void spos_kernel_register(const SposKernelEntry* entry) { entries().push_back(entry); }

extern "C" __attribute__((visibility("default"))) const SposKernelEntry* const* spos_kernel_table(int* count) {
    *count = static_cast<int>(entries().size());
    return entries().data();
}

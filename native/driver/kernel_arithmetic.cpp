// What g++ -fsanitize=signed-integer-overflow calls where a kernel's arithmetic passes its type: a library of kernels
// that is compiled so holds these, and tells spos_kernel_overflow, which its driver has. They are the library's own,
// whatever else of these names the process has loaded.
#include <stdint.h>
#include <stdio.h>

extern "C" void spos_kernel_overflow(const char* what, const char* file, unsigned line);

namespace {

// As g++ lays them out (libsanitizer/ubsan/ubsan_value.h).
struct Type {
    uint16_t kind;
    uint16_t bits;  // twice the logarithm of the width, and 1 for a type that has a sign
    char name[1];
};

struct Place {
    const char* file;
    uint32_t line, column;
    const Type* type;
};

int64_t value_of(const Type& type, uintptr_t bits) {
    const int unused = 64 - (1 << (type.bits >> 1));
    return unused > 0 && unused < 64 ? (int64_t)((uint64_t)bits << unused) >> unused : (int64_t)bits;
}

void report(const Place& place, uintptr_t a, const char* operation, uintptr_t b) {
    char text[160];
    snprintf(text, sizeof text, "%lld %s %lld does not fit %s", (long long)value_of(*place.type, a), operation,
             (long long)value_of(*place.type, b), place.type->name);
    spos_kernel_overflow(text, place.file, place.line);
}

}  // namespace

#define SPOS_HANDLER(name, operation)                                                                                \
    extern "C"                                                                                                       \
        __attribute__((visibility("hidden"))) void __ubsan_handle_##name(const Place* p, uintptr_t a, uintptr_t b) { \
        report(*p, a, operation, b);                                                                                 \
    }

SPOS_HANDLER(add_overflow, "+")
SPOS_HANDLER(sub_overflow, "-")
SPOS_HANDLER(mul_overflow, "*")
SPOS_HANDLER(divrem_overflow, "/")
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_negate_overflow(const Place* place, uintptr_t a) {
    report(*place, 0, "-", a);
}

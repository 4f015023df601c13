#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

// A fault that a test provokes shall be the system's own signal. A launch that fails leaves its fibres where they are,
// and with them the memory that they hold: that is no leak to report.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
    return "handle_segv=0:detect_leaks=0:allocator_may_return_null=1";
}

#include "findings.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace spos::checking {
namespace {

std::string& lines() {
    static auto* const text = new std::string;
    return *text;
}

void (*g_last)() = nullptr;

void at_exit(int status, void*) {
    if (status != 0) return;
    if (g_last != nullptr) g_last();
    if (lines().empty()) return;
    std::fflush(nullptr);
    _exit(kExitCode);
}

}  // namespace

CUresult found(CUresult code, const std::string& what) {
    lines() += what + '\n';
    std::fprintf(stderr, "checking driver: %s\n", what.c_str());
    return code;
}

const std::string& findings() { return lines(); }
void forget_findings() { lines().clear(); }

void before_exit(void (*last)()) {
    static const bool once = [] { return on_exit(at_exit, nullptr) == 0; }();
    (void)once;
    g_last = last;
}

}  // namespace spos::checking

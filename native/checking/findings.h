// What was done wrong: each finding is a line on stderr and a call that fails, or, where no call is left to fail, a
// process that does not end with success.
#pragma once

#include <string>

#include "../abi/cuda_driver.h"

namespace spos::checking {

// The code with which a process ends that would have ended with success, but did something wrong.
constexpr int kExitCode = 86;

// Tells of a fault and keeps it; gives back the code.
CUresult found(CUresult code, const std::string& what);

// What was found since it was last forgotten, one line each; empty if nothing.
const std::string& findings();
void forget_findings();

// Calls `last` when the process ends with success, so that what is left over can be told of.
void before_exit(void (*last)());

}  // namespace spos::checking

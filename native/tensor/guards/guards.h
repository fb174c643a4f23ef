// Checks that libtorch itself does not make, and without which an operator crashes the process or runs for ever.
#pragma once

#include <ATen/core/stack.h>

#include <string>

namespace torchwright {

// Throws when the operator must not be called with these arguments.
using Guard = void (*)(const torch::jit::Stack&);

// Null for the operators that check enough by themselves: nearly all.
Guard guard_of(const std::string& name);

// Calls the operator's guard, if it has one; what that throws then names the operator.
void check_call(const std::string& name, const torch::jit::Stack& stack);

}  // namespace torchwright

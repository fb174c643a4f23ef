// What guards are made of, and where each file has its own.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/errors.h"
#include "tensor/guards/guards.h"

namespace torchwright {

// By the operator's name without its library.
using GuardTable = std::unordered_map<std::string_view, Guard>;

const GuardTable& guards_of_sizes();
const GuardTable& guards_of_matrices();
const GuardTable& guards_of_networks();

[[noreturn]] inline void refuse(const char* code, const std::string& message) { throw Error(code, message); }

inline void require(bool holds, const char* message) {
  if (!holds) refuse(code::kShape, message);
}

}  // namespace torchwright

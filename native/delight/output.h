// What both models share at their doors and at their ends.
#pragma once

#include "delight/stack.h"

namespace torchwright::delight {

// Plan's output: 'tied' gives an undefined tensor and needs a table `out` wide; 'linear' the weight [V, out] of
// embed_out.
at::Tensor register_output(const Plan& plan, Stack& decoder, int64_t out, const at::TensorOptions& options);

// Throws ERR_ARGUMENT for a number of inputs outside [least, most], or one of the first `least` missing.
void check_inputs(const std::string& method, const std::vector<at::Tensor>& inputs, size_t least, size_t most);

[[noreturn]] void refuse_method(const char* kind, const std::string& method);

}  // namespace torchwright::delight

// Tensors that the graph saves for its derivatives, under hooks of JavaScript's.
#pragma once

#include <torch/csrc/autograd/saved_variable_hooks.h>

#include <memory>

namespace torchwright {

// The hooks for what the calling thread saves now; null when it has none.
std::unique_ptr<torch::autograd::SavedVariableHooks> default_saved_hooks();

}  // namespace torchwright

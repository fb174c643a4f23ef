// Tensors that the graph saves for its derivatives, under hooks of JavaScript's or of the native side's own.
#pragma once

#include <torch/csrc/autograd/saved_variable_hooks.h>

#include <functional>
#include <memory>

namespace torchwright {

using MakeSavedHooks = std::function<std::unique_ptr<torch::autograd::SavedVariableHooks>()>;

// The hooks for what the calling thread saves now; null when it has none.
std::unique_ptr<torch::autograd::SavedVariableHooks> default_saved_hooks();

// While this lives, each tensor that the calling thread saves gets hooks from `make`, and none of JavaScript's.
class SavingBy {
 public:
  explicit SavingBy(MakeSavedHooks make);
  ~SavingBy();
  SavingBy(const SavingBy&) = delete;
  SavingBy& operator=(const SavingBy&) = delete;

 private:
  MakeSavedHooks make_;
  const MakeSavedHooks* previous_;
};

}  // namespace torchwright

#include "tensor/guards/guards.h"

#include "tensor/guards/checks.h"

namespace torchwright {

Guard guard_of(const std::string& name) {
  static const GuardTable guards = [] {
    GuardTable all = guards_of_sizes();
    all.insert(guards_of_matrices().begin(), guards_of_matrices().end());
    all.insert(guards_of_networks().begin(), guards_of_networks().end());
    return all;
  }();
  constexpr std::string_view library = "aten::";
  if (name.rfind(library, 0) != 0) return nullptr;
  const auto found = guards.find(std::string_view(name).substr(library.size()));
  return found == guards.end() ? nullptr : found->second;
}

void check_call(const std::string& name, const torch::jit::Stack& stack) {
  const Guard guard = guard_of(name);
  if (guard == nullptr) return;
  try {
    guard(stack);
  } catch (const Error& error) {
    throw Error(error.code, name + ": " + error.what());
  }
}

}  // namespace torchwright

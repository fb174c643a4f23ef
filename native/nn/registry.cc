#include "nn/registry.h"

#include <map>

#include "delight/kinds.h"
#include "residual/kind.h"
#include "runtime/errors.h"

namespace torchwright {

namespace {

const std::map<std::string, Factory>& factories() {
  static const std::map<std::string, Factory> map = [] {
    std::map<std::string, Factory> all(delight::kinds().begin(), delight::kinds().end());
    all.emplace("residual-llama", residual::make_llama);
    return all;
  }();
  return map;
}

}  // namespace

std::vector<std::string> module_kinds() {
  std::vector<std::string> names;
  for (const auto& [name, factory] : factories()) names.push_back(name);
  return names;
}

std::shared_ptr<Module> make_module(const std::string& kind, const Plan& plan, const at::TensorOptions& options) {
  const auto found = factories().find(kind);
  if (found == factories().end()) throw Error(code::kArgument, "there is no native module of kind '" + kind + "'");
  return found->second(plan, options);
}

}  // namespace torchwright

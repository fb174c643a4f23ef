#include "tensor/autograd/engine.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isnan.h>
#include <torch/csrc/autograd/engine.h>

#include <unordered_set>

#include "runtime/environment.h"
#include "tensor/autograd/modes.h"
#include "tensor/autograd/node.h"
#include "tensor/autograd/saved.h"

namespace torchwright {

namespace {

using torch::autograd::AnomalyMetadata;
using torch::autograd::Engine;
using torch::autograd::FunctionPostHook;
using torch::autograd::Node;
using torch::autograd::variable_list;

// Where a node was made.
class Origin final : public AnomalyMetadata {
 public:
  void store_stack() override {
    Environment* environment = environment_in(mode::kAnomaly);
    if (environment == nullptr) return;
    callbacks_ = environment->shared_callbacks();
    stack_ = callbacks_->stack();
  }

  // The node is made while the parent is evaluated: the stack is that of backward(), and the parent's tells of the
  // forward pass.
  void assign_parent(const NodePointer& parent) override {
    if (stack_.empty() || !parent) return;
    const auto* origin = dynamic_cast<const Origin*>(parent->metadata());
    parent_ = "It was made while differentiating " + parent->name() +
              (origin == nullptr || origin->stack_.empty() ? "." : ": " + origin->text());
  }

  // Called for the node that fails, before the exception reaches the caller of backward().
  void print_stack(const std::string& name) override {
    if (callbacks_) callbacks_->report_anomaly(name, text());
  }

 private:
  std::string text() const { return stack_ + (parent_.empty() ? "" : "\n" + parent_); }

  std::shared_ptr<Callbacks> callbacks_;
  std::string stack_;
  std::string parent_;
};

class JavaScriptEngine final : public Engine {
 public:
  std::unique_ptr<AnomalyMetadata> make_anomaly_metadata() override { return std::make_unique<Origin>(); }
  std::unique_ptr<torch::autograd::SavedVariableHooks> get_default_saved_variable_hooks() override {
    return default_saved_hooks();
  }
};

Engine& engine() {
  static auto& engine = *new JavaScriptEngine;  // libtorch is never unloaded; its threads may outlive `main`
  return engine;
}

class NanCheck final : public FunctionPostHook {
 public:
  explicit NanCheck(std::string node) : node_(std::move(node)) {}

  variable_list operator()(const variable_list& gradients, const variable_list&) override {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const at::Tensor& gradient = gradients[i];
      if (!gradient.defined() || at::isIntegralType(gradient.scalar_type(), true)) continue;
      if (!at::isnan(gradient).any().item<bool>()) continue;
      throw Error(code::kNonFinite,
                  "Function '" + node_ + "' returned nan values in its " + std::to_string(i) + "th output.");
    }
    return gradients;
  }

 private:
  std::string node_;
};

bool has_check(Node& node) {
  for (const auto& hook : node.post_hooks()) {
    if (dynamic_cast<const NanCheck*>(hook.get()) != nullptr) return true;
  }
  return false;
}

}  // namespace

void install_engine() { torch::autograd::set_default_engine_stub(engine); }

void check_for_nan(const std::vector<at::Tensor>& roots) {
  std::unordered_set<Node*> seen;
  std::vector<Node*> pending;
  const auto add = [&](Node* node) {
    if (node != nullptr && seen.insert(node).second) pending.push_back(node);
  };
  for (const auto& root : roots) add(root.grad_fn().get());
  while (!pending.empty()) {
    Node& node = *pending.back();
    pending.pop_back();
    if (!has_check(node)) node.add_post_hook(std::make_unique<NanCheck>(node.name()));
    for (const auto& edge : node.next_edges()) add(edge.function.get());
  }
}

}  // namespace torchwright

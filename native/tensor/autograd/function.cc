// Differentiable functions whose derivative is written in JavaScript.
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable_info.h>

#include <unordered_set>

#include "runtime/environment.h"
#include "tensor/autograd/bindings.h"
#include "tensor/autograd/node.h"

namespace torchwright::tensor {

namespace {

using torch::autograd::Node;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;
using torch::autograd::VariableInfo;
using Impls = std::unordered_set<at::TensorImpl*>;

class JavaScriptFunction;

// How JavaScript names a function while its backward runs.
struct Running {
  JavaScriptFunction* function;
};

// The node in the graph.
class JavaScriptFunction final : public Node {
 public:
  JavaScriptFunction(std::string name, std::shared_ptr<Held> backward, std::vector<bool> is_tensor, bool materialize)
      : name_(std::move(name)),
        backward_(std::move(backward)),
        is_tensor_(std::move(is_tensor)),
        materialize_(materialize) {}

  std::string name() const override { return name_ + "Backward"; }

  variable_list apply(variable_list&& gradients) override {
    at::OptionalDeviceGuard device;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined() && materialize_) gradients[i] = outputs_[i].zeros(device);
    }
    variable_list results;
    auto& callbacks = backward_->callbacks();
    callbacks.visit([&](Environment& environment) {
      const auto id = environment.add_object(std::make_shared<Running>(Running{this})).As<Napi::Number>().DoubleValue();
      try {
        results = callbacks.call(backward_->number(), id, gradients);
      } catch (...) {
        environment.free_object(id);
        throw;
      }
      environment.free_object(id);
    });
    return for_tensors(std::move(results));
  }

  void release_variables() override {
    saved_.clear();
    released_ = true;
  }

  // After the forward pass: what the outputs look like, and what the derivative needs.
  void complete(const std::vector<std::optional<at::Tensor>>& outputs, const variable_list& to_save) {
    for (const auto& output : outputs) outputs_.push_back(output ? VariableInfo(*output) : VariableInfo());
    for (const auto& tensor : to_save) {
      const bool is_output = tensor.defined() && tensor.grad_fn().get() == this;
      saved_.emplace_back(tensor, is_output);
    }
  }

  variable_list saved() {
    if (released_) throw std::runtime_error(torch::autograd::ERR_BACKWARD_TWICE);
    variable_list tensors;
    for (const auto& variable : saved_) tensors.push_back(variable.unpack(getptr()));
    return tensors;
  }

 private:
  // The gradients of the arguments that are tensors.
  variable_list for_tensors(variable_list gradients) const {
    const auto defined = [](const at::Tensor& tensor) { return tensor.defined(); };
    const std::size_t wanted = is_tensor_.size();
    if (gradients.size() > wanted && std::none_of(gradients.begin() + wanted, gradients.end(), defined)) {
      gradients.resize(wanted);
    }
    if (gradients.size() != wanted) {
      throw Error(code::kAutograd, name_ + ".backward gave " + std::to_string(gradients.size()) +
                                       " gradients, but forward takes " + std::to_string(wanted) +
                                       " arguments: give null for those without one");
    }
    variable_list results;
    for (std::size_t i = 0; i < wanted; ++i) {
      if (is_tensor_[i]) {
        results.push_back(std::move(gradients[i]));
      } else if (gradients[i].defined()) {
        throw Error(code::kAutograd, name_ + ".backward gave a gradient for argument " + std::to_string(i) +
                                         " of forward, which is no tensor: give null");
      }
    }
    return results;
  }

  std::string name_;
  std::shared_ptr<Held> backward_;
  std::vector<bool> is_tensor_;
  bool materialize_;
  bool released_ = false;
  std::vector<VariableInfo> outputs_;
  std::vector<SavedVariable> saved_;
};

Impls impls_of(const variable_list& tensors) {
  Impls impls;
  for (const auto& tensor : tensors) impls.insert(tensor.unsafeGetTensorImpl());
  return impls;
}

}  // namespace

Napi::Value function_apply(Environment& environment, const Napi::CallbackInfo& info) {
  const auto spec = info[0].As<Napi::Object>();
  const std::string name = spec.Get("name").ToString();
  const auto arguments = environment.optional_tensor_list(spec.Get("inputs"));
  const auto raw_outputs = environment.optional_tensor_list(spec.Get("outputs"));
  const auto dirty = environment.tensor_list(spec.Get("dirty"));
  variable_list inputs;
  std::vector<bool> is_tensor;
  for (const auto& argument : arguments) {
    is_tensor.push_back(argument.defined());
    if (argument.defined()) inputs.push_back(argument);
  }
  std::vector<std::optional<at::Tensor>> outputs;
  for (const auto& output : raw_outputs) {
    outputs.push_back(output.defined() ? std::optional(output) : std::nullopt);
  }

  decltype(make_node<JavaScriptFunction>(name, nullptr, is_tensor, true)) node;
  if (spec.Get("backward").IsNumber()) {
    node = make_node<JavaScriptFunction>(
        name, environment.callbacks().hold(spec.Get("backward").As<Napi::Number>().DoubleValue()), is_tensor,
        spec.Get("materialize").ToBoolean());
    node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  }
  const Impls dirty_impls = impls_of(dirty);
  for (auto* impl : dirty_impls) impl->bump_version();
  const auto no_forward_mode = [&](const variable_list&, const variable_list&) -> variable_list {
    throw Error(code::kAutograd, name + ": functions in JavaScript have no forward-mode derivative");
  };
  const auto wrapped = torch::autograd::_wrap_outputs(
      inputs, impls_of(environment.tensor_list(spec.Get("nonDifferentiable"))), dirty_impls, outputs, node,
      no_forward_mode, {}, [](const at::Tensor& tensor) { return tensor.view_as(tensor); }, false);
  if (node) node->complete(wrapped, environment.tensor_list(spec.Get("saved")));

  auto results = Napi::Array::New(info.Env(), wrapped.size());
  for (uint32_t i = 0; i < wrapped.size(); ++i) {
    const bool same = !wrapped[i] || wrapped[i]->is_same(raw_outputs[i]);
    results.Set(i, same ? info.Env().Null() : Napi::Number::New(info.Env(), environment.add_tensor(*wrapped[i])));
  }
  return results;
}

Napi::Value function_saved(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.handles_of(environment.object<Running>(info[0], "running function")->function->saved());
}

}  // namespace torchwright::tensor

// Functions of JavaScript that hear of gradients as they are computed.
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "runtime/environment.h"
#include "tensor/autograd/bindings.h"

namespace torchwright::tensor {

namespace {

double read_number(Napi::Value value) {
  if (!value.IsNumber()) throw Error(code::kArgument, "expected the number of a callback");
  return value.As<Napi::Number>().DoubleValue();
}

// All functions that hear when a leaf's gradient has been added to.
class AccumulateHooks final : public torch::autograd::PostAccumulateGradHook {
 public:
  void operator()(const at::Tensor& leaf) override {
    const auto hooks = hooks_;  // one may remove itself
    for (const auto& hook : hooks) hook->call({leaf});
  }
  void add(std::shared_ptr<Held> hook) { hooks_.push_back(std::move(hook)); }
  void remove(double number) {
    std::erase_if(hooks_, [number](const auto& hook) { return hook->number() == number; });
  }

  // Null when the tensor has none.
  static AccumulateHooks* of(const at::Tensor& leaf) {
    return dynamic_cast<AccumulateHooks*>(torch::autograd::impl::post_acc_grad_hooks(leaf).get());
  }

 private:
  std::vector<std::shared_ptr<Held>> hooks_;
};

}  // namespace

Napi::Value initialize_callbacks(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throw Error(code::kArgument, "initializeCallbacks: expected an object of functions");
  environment.callbacks().initialize(info[0].As<Napi::Object>());
  return info.Env().Undefined();
}

Napi::Value released_callbacks(Environment& environment, const Napi::CallbackInfo& info) {
  const auto numbers = environment.callbacks().take_released();
  if (numbers.empty()) return info.Env().Null();
  auto list = Napi::Array::New(info.Env(), numbers.size());
  for (uint32_t i = 0; i < numbers.size(); ++i) list.Set(i, numbers[i]);
  return list;
}

Napi::Value register_hook(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = environment.tensor(info[0]);
  if (!tensor.requires_grad()) {
    throw Error(code::kAutograd, "registerHook: a tensor that does not require gradients never gets one");
  }
  const auto place = tensor.register_hook(
      [hook = environment.callbacks().hold(read_number(info[1]))](const at::Tensor& gradient) -> at::Tensor {
        if (!gradient.defined()) return {};
        const auto results = hook->call({gradient});
        return results.empty() ? at::Tensor() : results[0];
      });
  return Napi::Number::New(info.Env(), place);
}

Napi::Value remove_hook(Environment& environment, const Napi::CallbackInfo& info) {
  environment.tensor(info[0]).remove_hook(info[1].ToNumber().Uint32Value());
  return info.Env().Undefined();
}

Napi::Value register_accumulate_hook(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& leaf = environment.tensor(info[0]);
  if (!leaf.requires_grad() || !leaf.is_leaf()) {
    throw Error(code::kAutograd,
                "registerPostAccumulateGradHook: gradients are gathered in leaves that require them only; registerHook "
                "serves computed tensors");
  }
  if (AccumulateHooks::of(leaf) == nullptr) {
    torch::autograd::impl::set_post_acc_grad_hooks(leaf, std::make_unique<AccumulateHooks>());
  }
  AccumulateHooks::of(leaf)->add(environment.callbacks().hold(read_number(info[1])));
  return info.Env().Undefined();
}

Napi::Value remove_accumulate_hook(Environment& environment, const Napi::CallbackInfo& info) {
  if (auto* hooks = AccumulateHooks::of(environment.tensor(info[0]))) hooks->remove(read_number(info[1]));
  return info.Env().Undefined();
}

}  // namespace torchwright::tensor

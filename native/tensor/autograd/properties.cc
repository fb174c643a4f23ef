#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include "runtime/environment.h"
#include "tensor/autograd/bindings.h"

namespace torchwright::tensor {

Napi::Value requires_grad(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).requires_grad());
}

Napi::Value set_requires_grad(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = environment.tensor(info[0]);
  const bool value = info[1].ToBoolean();
  if (value && !at::isFloatingType(tensor.scalar_type()) && !at::isComplexType(tensor.scalar_type())) {
    throw Error(code::kDtype, "only floating point and complex tensors can require gradients");
  }
  tensor.set_requires_grad(value);
  return info.Env().Undefined();
}

Napi::Value is_leaf(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).is_leaf());
}

Napi::Value grad_fn(Environment& environment, const Napi::CallbackInfo& info) {
  const auto& node = environment.tensor(info[0]).grad_fn();
  if (!node) return info.Env().Null();
  return Napi::String::New(info.Env(), node->name());
}

Napi::Value grad(Environment& environment, const Napi::CallbackInfo& info) {
  at::Tensor gradient = environment.tensor(info[0]).grad();
  if (!gradient.defined()) return info.Env().Null();
  return Napi::Number::New(info.Env(), environment.add_tensor(std::move(gradient)));
}

Napi::Value set_grad(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = environment.tensor(info[0]);
  const at::Tensor gradient = environment.optional_tensor(info[1]);
  if (gradient.defined()) {
    if (gradient.sizes() != tensor.sizes()) throw Error(code::kShape, "a gradient has the shape of its tensor");
    if (gradient.scalar_type() != tensor.scalar_type())
      throw Error(code::kDtype, "a gradient has the dtype of its tensor");
    if (gradient.device() != tensor.device()) throw Error(code::kDevice, "a gradient lies on the device of its tensor");
    if (gradient.is_same(tensor)) throw Error(code::kArgument, "a tensor cannot be its own gradient");
  }
  tensor.mutable_grad() = gradient;
  return info.Env().Undefined();
}

Napi::Value retain_grad(Environment& environment, const Napi::CallbackInfo& info) {
  environment.tensor(info[0]).retain_grad();
  return info.Env().Undefined();
}

Napi::Value retains_grad(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), environment.tensor(info[0]).retains_grad());
}

}  // namespace torchwright::tensor

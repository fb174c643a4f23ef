#include "runtime/environment.h"
#include "tensor/bindings.h"
#include "tensor/dtype.h"

namespace torchwright::tensor {

namespace {

Napi::Value numbers(Napi::Env env, at::IntArrayRef values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, static_cast<double>(values[i]));
  return array;
}

}  // namespace

Napi::Value shape(Environment& environment, const Napi::CallbackInfo& info) {
  return numbers(info.Env(), environment.tensor(info[0]).sizes());
}

Napi::Value strides(Environment& environment, const Napi::CallbackInfo& info) {
  return numbers(info.Env(), environment.tensor(info[0]).strides());
}

Napi::Value dtype(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), dtype_name(environment.tensor(info[0]).scalar_type()));
}

Napi::Value device(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), device_name(environment.tensor(info[0]).device()));
}

Napi::Value layout(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), layout_name(environment.tensor(info[0]).layout()));
}

}  // namespace torchwright::tensor

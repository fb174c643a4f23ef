#include <unordered_set>

#include "runtime/environment.h"
#include "tensor/bindings.h"
#include "tensor/dtype.h"

namespace torchwright::tensor {

Napi::Value free(Environment& environment, const Napi::CallbackInfo& info) {
  if (info[0].IsNumber()) static_cast<void>(environment.take_tensor(info[0].As<Napi::Number>().DoubleValue()));
  return info.Env().Undefined();
}

Napi::Value free_many(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw Error(code::kArgument, "freeMany: expected a Float64Array");
  }
  const auto handles = info[0].As<Napi::Float64Array>();
  const std::size_t count = std::min<std::size_t>(handles.ElementLength(), info[1].ToNumber().Uint32Value());
  for (std::size_t i = 0; i < count; ++i) static_cast<void>(environment.take_tensor(handles[i]));
  return info.Env().Undefined();
}

Napi::Value alias(Environment& environment, const Napi::CallbackInfo& info) {
  at::Tensor tensor = environment.tensor(info[0]);
  return Napi::Number::New(info.Env(), environment.add_tensor(std::move(tensor)));
}

Napi::Value is_live(Environment& environment, const Napi::CallbackInfo& info) {
  const bool live =
      info[0].IsNumber() && environment.tensors().find(info[0].As<Napi::Number>().DoubleValue()) != nullptr;
  return Napi::Boolean::New(info.Env(), live);
}

Napi::Value memory(Environment& environment, const Napi::CallbackInfo& info) {
  std::unordered_set<const void*> seen;
  std::map<std::string, double> bytes;
  environment.tensors().each([&](const at::Tensor& tensor) {
    if (!tensor.has_storage()) return;
    const auto& storage = tensor.storage();
    if (seen.insert(storage.unsafeGetStorageImpl()).second) {
      bytes[device_name(tensor.device())] += static_cast<double>(storage.nbytes());
    }
  });
  auto by_device = Napi::Object::New(info.Env());
  for (const auto& [device, count] : bytes) by_device.Set(device, count);
  auto result = Napi::Object::New(info.Env());
  result.Set("tensors", static_cast<double>(environment.tensors().live()));
  result.Set("bytes", by_device);
  return result;
}

}  // namespace torchwright::tensor

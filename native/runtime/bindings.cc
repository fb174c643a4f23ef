#include "runtime/bindings.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>

#include "runtime/job.h"
#include "tensor/cuda.h"
#include "tensor/values.h"

namespace torchwright::runtime {

Napi::Value initialize(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw Error(code::kArgument, "initialize: expected a function that makes errors");
  environment.set_error_factory(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

namespace {

std::string dotted(uint64_t major, uint64_t minor, uint64_t patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

// What the loaded library says of itself; the headers tell only what this addon was compiled against.
std::string loaded_version() {
  using VersionFunction = uint64_t (*)();
  const auto version = reinterpret_cast<VersionFunction>(dlsym(RTLD_DEFAULT, "aoti_torch_abi_version"));
  if (version == nullptr) return "";
  const uint64_t packed = version();
  return dotted(packed >> 56, packed >> 48 & 0xff, packed >> 40 & 0xff);
}

}  // namespace

Napi::Value versions(Environment&, const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  result.Set("compiled", dotted(TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH));
  result.Set("loaded", loaded_version());
  result.Set("napi", NAPI_VERSION);
  return result;
}

Napi::Value cuda_devices(Environment&, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), cuda_device_count());
}

Napi::Value set_threads(Environment&, const Napi::CallbackInfo& info) {
  const int64_t count = to_int64(info.Env(), info[0], "a whole number of threads");
  if (count < 1 || count > 1024) throw Error(code::kArgument, "the number of threads lies between 1 and 1024");
  at::set_num_threads(static_cast<int>(count));
  return info.Env().Undefined();
}

Napi::Value threads(Environment&, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), at::get_num_threads());
}

Napi::Value token_create(Environment& environment, const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), environment.cancel_flags().add(std::make_shared<CancelFlag>()));
}

Napi::Value cancel(Environment& environment, const Napi::CallbackInfo& info) {
  // A token that is gone belongs to a job that has settled: there is nothing to cancel.
  if (auto* flag = environment.cancel_flags().find(info[0].ToNumber().DoubleValue())) (*flag)->raise();
  return info.Env().Undefined();
}

Napi::Value token_free(Environment& environment, const Napi::CallbackInfo& info) {
  static_cast<void>(environment.cancel_flags().take(info[0].ToNumber().DoubleValue()));
  return info.Env().Undefined();
}

Napi::Value drain(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info.Env().Undefined(), [](const CancelFlag&) { return true; },
      [](Environment& environment, bool) { return environment.napi().Undefined(); });
}

Napi::Value object_free(Environment& environment, const Napi::CallbackInfo& info) {
  environment.free_object(info[0].ToNumber().DoubleValue());
  return info.Env().Undefined();
}

}  // namespace torchwright::runtime

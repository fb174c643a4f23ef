#include "runtime/memory.h"

#include "runtime/environment.h"
#include "tensor/bindings.h"
#include "tensor/dtype.h"

namespace torchwright::tensor {

Napi::Value device_memory(Environment&, const Napi::CallbackInfo& info) {
  const DeviceMemory memory = torchwright::device_memory(parse_device(info[0].ToString()));
  auto result = Napi::Object::New(info.Env());
  result.Set("allocated", static_cast<double>(memory.allocated));
  result.Set("peak", static_cast<double>(memory.peak));
  result.Set("reserved", static_cast<double>(memory.reserved));
  result.Set("free", static_cast<double>(memory.free));
  result.Set("total", static_cast<double>(memory.total));
  return result;
}

Napi::Value reset_peak(Environment&, const Napi::CallbackInfo& info) {
  reset_peak_memory(parse_device(info[0].ToString()));
  return info.Env().Undefined();
}

Napi::Value empty_caches(Environment&, const Napi::CallbackInfo& info) {
  torchwright::empty_caches();
  return info.Env().Undefined();
}

Napi::Value collect_garbage(Environment& environment, const Napi::CallbackInfo& info) {
  // Told of memory beyond every limit, V8 collects at once.
  constexpr int64_t kBeyondLimits = int64_t{1} << 42;
  int64_t total;
  napi_adjust_external_memory(environment.env(), kBeyondLimits, &total);
  napi_adjust_external_memory(environment.env(), -kBeyondLimits, &total);
  return info.Env().Undefined();
}

Napi::Value storage(Environment& environment, const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = environment.tensor(info[0]);
  if (!tensor.has_storage()) return info.Env().Null();
  const auto& storage = tensor.storage();
  auto result = Napi::Object::New(info.Env());
  // Addresses have 48 bits in user space: a number holds them.
  result.Set("id", static_cast<double>(reinterpret_cast<uintptr_t>(storage.unsafeGetStorageImpl())));
  result.Set("bytes", static_cast<double>(storage.nbytes()));
  result.Set("offset", static_cast<double>(tensor.storage_offset()));
  return result;
}

}  // namespace torchwright::tensor

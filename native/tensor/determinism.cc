// Whether operators must give the same bits for the same inputs.
#include <ATen/Context.h>

#include <cstdlib>

#include "runtime/environment.h"
#include "tensor/bindings.h"

namespace torchwright::tensor {

Napi::Value determinism(Environment&, const Napi::CallbackInfo& info) {
  const at::Context& context = at::globalContext();
  auto object = Napi::Object::New(info.Env());
  object.Set("enabled", context.deterministicAlgorithms());
  object.Set("warnOnly", context.deterministicAlgorithmsWarnOnly());
  return object;
}

Napi::Value set_determinism(Environment&, const Napi::CallbackInfo& info) {
  const bool enabled = info[0].ToBoolean();
  // cuBLAS reads it when it is first used; without it libtorch refuses matrix products on a GPU in this mode.
  if (enabled) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(enabled, enabled && info[1].ToBoolean());
  return info.Env().Undefined();
}

}  // namespace torchwright::tensor

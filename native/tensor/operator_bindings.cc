#include "runtime/environment.h"
#include "tensor/bindings.h"

namespace torchwright::tensor {

Napi::Value operator_names(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.operators.names(info.Env());
}

Napi::Value schemas(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.operators.schemas(info.Env(), info[0].ToString());
}

}  // namespace torchwright::tensor

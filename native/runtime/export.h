// How a C++ function becomes one that JavaScript can call: the environment is found, exceptions become errors.
#pragma once

#include <napi.h>

#include "runtime/environment.h"

namespace torchwright {

using NativeFunction = Napi::Value (*)(Environment&, const Napi::CallbackInfo&);

template <NativeFunction function>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  auto& environment = *static_cast<Environment*>(info.Data());
  try {
    return function(environment, info);
  } catch (const Napi::Error&) {
    throw;  // JavaScript's own, already pending in its shape
  } catch (...) {
    const Napi::Value error = environment.make_error(describe_current_exception());
    napi_throw(info.Env(), error);
    return info.Env().Undefined();
  }
}

template <NativeFunction function>
void export_function(Environment& environment, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(environment.napi(), name, &environment));
}

// The same for functions on the hot path, which take their arguments from Node-API itself: runs `work()`, which gives a
// napi_value.
template <typename Work>
napi_value guarded_raw(Environment& environment, Work work) {
  try {
    try {
      return work();
    } catch (const Napi::Error&) {
      throw;
    } catch (...) {
      napi_throw(environment.env(), environment.make_error(describe_current_exception()));
    }
  } catch (const Napi::Error& error) {
    // Making the error may itself be refused, in a worker that is being ended.
    error.ThrowAsJavaScriptException();
  }
  return nullptr;
}

}  // namespace torchwright

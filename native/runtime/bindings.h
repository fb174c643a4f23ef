// What JavaScript sees of the environment and its jobs. The meaning of each function is documented in lib/native.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace runtime {

Napi::Value initialize(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value versions(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value cuda_devices(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value set_threads(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value threads(Environment& environment, const Napi::CallbackInfo& info);

Napi::Value token_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value cancel(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value token_free(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value drain(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value object_free(Environment& environment, const Napi::CallbackInfo& info);

// profiler_bindings.cc
Napi::Value profiler_exists(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value profile_start(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value profile_stop(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace runtime
}  // namespace torchwright

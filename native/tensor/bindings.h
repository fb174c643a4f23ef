// What JavaScript sees of tensors. The meaning of each function is documented in lib/native.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace tensor {

// creation.cc: bytes in and out
Napi::Value from_buffer(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value share_buffer(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value read_sync(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value read(Environment& environment, const Napi::CallbackInfo& info);

// lifetime.cc
Napi::Value free(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value free_many(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value alias(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value is_live(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value memory(Environment& environment, const Napi::CallbackInfo& info);

// memory.cc
Napi::Value device_memory(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value reset_peak(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value empty_caches(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value collect_garbage(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value storage(Environment& environment, const Napi::CallbackInfo& info);

// properties.cc
Napi::Value shape(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value strides(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value dtype(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value device(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value layout(Environment& environment, const Napi::CallbackInfo& info);

// random.cc
Napi::Value rng_state(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value set_rng_state(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value manual_seed(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value generator_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value generator_seed(Environment& environment, const Napi::CallbackInfo& info);

// determinism.cc
Napi::Value determinism(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value set_determinism(Environment& environment, const Napi::CallbackInfo& info);

// operator_bindings.cc
Napi::Value operator_names(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value schemas(Environment& environment, const Napi::CallbackInfo& info);

// calls.cc
Napi::Value use_frame(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value plan_call(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace tensor
}  // namespace torchwright

// What JavaScript sees of training. The meaning of each function is documented in lib/native.ts.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace train {

// adamw_bindings.cc
Napi::Value adamw_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adamw_step(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adamw_zero_grad(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adamw_state(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adamw_load_state(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value clip_grad_norm(Environment& environment, const Napi::CallbackInfo& info);

// step.cc
Napi::Value train_step(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value evaluate_batch(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace train
}  // namespace torchwright

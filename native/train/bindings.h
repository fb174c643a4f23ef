// What JavaScript sees of training. The meaning of each function is documented in lib/native.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace train {

// adam_bindings.cc
Napi::Value adam_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adam_add_group(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adam_step(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adam_state(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value adam_load_state(Environment& environment, const Napi::CallbackInfo& info);

// gradient_bindings.cc
Napi::Value gradients(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value forget_gradients(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value bump_versions(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value alike(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value first_repeated(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value total_norm(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value clip_grad_norm(Environment& environment, const Napi::CallbackInfo& info);

// step/bindings.cc
Napi::Value train_step(Environment& environment, const Napi::CallbackInfo& info);

// evaluation.cc
Napi::Value evaluate_batch(Environment& environment, const Napi::CallbackInfo& info);

// matrix_peak.cc
Napi::Value matrix_peak(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace train
}  // namespace torchwright

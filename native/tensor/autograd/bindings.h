// What JavaScript sees of automatic differentiation. The meaning of each function is documented in lib/native.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace tensor {

// modes.cc
Napi::Value modes(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value set_modes(Environment& environment, const Napi::CallbackInfo& info);

// properties.cc
Napi::Value requires_grad(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value set_requires_grad(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value is_leaf(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value grad_fn(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value grad(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value set_grad(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value retain_grad(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value retains_grad(Environment& environment, const Napi::CallbackInfo& info);

// backward.cc
Napi::Value backward(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value gradients_of(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value anomaly_report(Environment& environment, const Napi::CallbackInfo& info);

// hooks.cc
Napi::Value initialize_callbacks(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value released_callbacks(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value register_hook(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value remove_hook(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value register_accumulate_hook(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value remove_accumulate_hook(Environment& environment, const Napi::CallbackInfo& info);

// function.cc
Napi::Value function_apply(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value function_saved(Environment& environment, const Napi::CallbackInfo& info);

// saved.cc
Napi::Value save_tensor(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value unpack_tensor(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace tensor
}  // namespace torchwright

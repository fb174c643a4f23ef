// What JavaScript sees of native modules. The meaning of each function is documented in lib/native.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace nn {

Napi::Value kinds(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value parameters(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value buffers(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value call(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value run(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value train(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value move_to(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value decoding_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value decoding_step(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value decoding_sample(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value decoding_scores(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value sample_tokens(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace nn
}  // namespace torchwright

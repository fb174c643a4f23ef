// What JavaScript sees of token files, batches and tensor files. The meaning of each function is documented in
// lib/native.
#pragma once

#include <napi.h>

namespace torchwright {

class Environment;

namespace io {

// bindings.cc
Napi::Value tokens_open(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value tokens_maximum(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value checksum(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value file_open(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value tensors_load(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value file_map(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value tensors_map(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value tensors_save(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value folder_lock(Environment& environment, const Napi::CallbackInfo& info);

// batches_bindings.cc
Napi::Value batches_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value batches_seek(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value block_queue_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value block_queue_put(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value pair_batches_create(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value pair_batches_queue(Environment& environment, const Napi::CallbackInfo& info);
Napi::Value batches_next(Environment& environment, const Napi::CallbackInfo& info);

}  // namespace io
}  // namespace torchwright

// A tensor's elements by an index for each dimension, read and assigned in one crossing. Documented in lib/native.
#pragma once

#include <node_api.h>

namespace torchwright {

napi_value index_tensor(napi_env env, napi_callback_info info);
napi_value assign_indexed(napi_env env, napi_callback_info info);

}  // namespace torchwright

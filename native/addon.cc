// What JavaScript can see, a line each. lib/native says what each function means.
#include <dlfcn.h>
#include <napi.h>

#include "io/bindings.h"
#include "nn/bindings.h"
#include "runtime/bindings.h"
#include "runtime/export.h"
#include "runtime/memory.h"
#include "tensor/autograd/bindings.h"
#include "tensor/autograd/engine.h"
#include "tensor/bindings.h"
#include "tensor/calls.h"
#include "tensor/indexing.h"
#include "train/bindings.h"

namespace torchwright {

namespace {

// Libtorch must never be unloaded, and with it this addon: a worker that ends would otherwise take both away.
void stay_loaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0) dlopen(self.dli_fname, RTLD_LAZY | RTLD_NODELETE);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  count_cpu_memory();
  install_engine();
  auto* environment = new Environment(env);
  env.SetInstanceData(environment);

  const auto export_as = [&]<NativeFunction function>(const char* name) {
    export_function<function>(*environment, exports, name);
  };
#define EXPORT(function, name) export_as.template operator()<function>(name)
  // Those on the hot path take their arguments from Node-API itself.
  const auto export_raw = [&](napi_callback function, const char* name) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, environment, &value);
    exports.Set(name, Napi::Value(env, value));
  };

  EXPORT(runtime::initialize, "initialize");
  EXPORT(runtime::versions, "versions");
  EXPORT(runtime::cuda_devices, "cudaDeviceCount");
  EXPORT(runtime::set_threads, "setThreads");
  EXPORT(runtime::threads, "threads");
  EXPORT(tensor::memory, "memory");
  EXPORT(tensor::device_memory, "deviceMemory");
  EXPORT(tensor::reset_peak, "resetPeak");
  EXPORT(tensor::empty_caches, "emptyCaches");
  EXPORT(tensor::collect_garbage, "collectGarbage");
  EXPORT(tensor::determinism, "determinism");
  EXPORT(tensor::set_determinism, "setDeterminism");
  EXPORT(tensor::manual_seed, "manualSeed");
  EXPORT(tensor::rng_state, "rngState");
  EXPORT(tensor::set_rng_state, "setRngState");

  EXPORT(tensor::operator_names, "operatorNames");
  EXPORT(tensor::schemas, "schemas");
  EXPORT(tensor::use_frame, "useFrame");
  EXPORT(tensor::plan_call, "plan");
  export_raw(call_operator, "call");
  export_raw(index_tensor, "index");
  export_raw(assign_indexed, "assignIndexed");

  EXPORT(tensor::from_buffer, "fromBuffer");
  EXPORT(tensor::share_buffer, "shareBuffer");
  EXPORT(tensor::read_sync, "readSync");
  EXPORT(tensor::read, "read");
  EXPORT(tensor::free, "free");
  EXPORT(tensor::free_many, "freeMany");
  EXPORT(tensor::alias, "alias");
  EXPORT(tensor::is_live, "isLive");
  EXPORT(tensor::shape, "shape");
  EXPORT(tensor::strides, "strides");
  EXPORT(tensor::storage, "storage");
  EXPORT(tensor::dtype, "dtype");
  EXPORT(tensor::device, "device");
  EXPORT(tensor::layout, "layout");
  EXPORT(tensor::requires_grad, "requiresGrad");
  EXPORT(tensor::set_requires_grad, "setRequiresGrad");
  EXPORT(tensor::is_leaf, "isLeaf");
  EXPORT(tensor::grad_fn, "gradFn");
  EXPORT(tensor::grad, "grad");
  EXPORT(tensor::set_grad, "setGrad");
  EXPORT(tensor::retain_grad, "retainGrad");
  EXPORT(tensor::retains_grad, "retainsGrad");
  EXPORT(tensor::modes, "modes");
  EXPORT(tensor::set_modes, "setModes");
  EXPORT(tensor::backward, "backward");
  EXPORT(tensor::gradients_of, "gradientsOf");
  EXPORT(tensor::anomaly_report, "anomalyReport");
  EXPORT(tensor::initialize_callbacks, "initializeCallbacks");
  EXPORT(tensor::released_callbacks, "releasedCallbacks");
  EXPORT(tensor::register_hook, "registerHook");
  EXPORT(tensor::remove_hook, "removeHook");
  EXPORT(tensor::register_accumulate_hook, "registerAccumulateHook");
  EXPORT(tensor::remove_accumulate_hook, "removeAccumulateHook");
  EXPORT(tensor::function_apply, "functionApply");
  EXPORT(tensor::function_saved, "functionSaved");
  EXPORT(tensor::save_tensor, "saveTensor");
  EXPORT(tensor::unpack_tensor, "unpackTensor");
  EXPORT(tensor::generator_create, "generatorCreate");
  EXPORT(tensor::generator_seed, "generatorSeed");

  EXPORT(runtime::token_create, "tokenCreate");
  EXPORT(runtime::cancel, "cancel");
  EXPORT(runtime::token_free, "tokenFree");
  EXPORT(runtime::drain, "drain");
  EXPORT(runtime::object_free, "objectFree");
  EXPORT(runtime::profiler_exists, "profilerExists");
  EXPORT(runtime::profile_start, "profileStart");
  EXPORT(runtime::profile_stop, "profileStop");

  EXPORT(nn::kinds, "moduleKinds");
  EXPORT(nn::create, "moduleCreate");
  EXPORT(nn::parameters, "moduleParameters");
  EXPORT(nn::buffers, "moduleBuffers");
  EXPORT(nn::call, "moduleCall");
  EXPORT(nn::run, "moduleRun");
  EXPORT(nn::train, "moduleTrain");
  EXPORT(nn::move_to, "moduleTo");
  EXPORT(nn::decoding_create, "decodingCreate");
  EXPORT(nn::decoding_step, "decodingStep");
  EXPORT(nn::decoding_sample, "decodingSample");
  EXPORT(nn::decoding_scores, "decodingScores");
  EXPORT(nn::sample_tokens, "sampleTokens");

  EXPORT(train::adam_create, "adamCreate");
  EXPORT(train::adam_add_group, "adamAddGroup");
  EXPORT(train::adam_step, "adamStep");
  EXPORT(train::adam_state, "adamState");
  EXPORT(train::adam_load_state, "adamLoadState");
  EXPORT(train::gradients, "gradients");
  EXPORT(train::forget_gradients, "forgetGradients");
  EXPORT(train::bump_versions, "bumpVersions");
  EXPORT(train::alike, "alike");
  EXPORT(train::first_repeated, "firstRepeated");
  EXPORT(train::total_norm, "totalNorm");
  EXPORT(train::clip_grad_norm, "clipGradNorm");
  EXPORT(train::train_step, "trainStep");
  EXPORT(train::evaluate_batch, "evaluateBatch");
  EXPORT(train::matrix_peak, "matrixPeak");

  EXPORT(io::tokens_open, "tokensOpen");
  EXPORT(io::tokens_maximum, "tokensMaximum");
  EXPORT(io::batches_create, "batchesCreate");
  EXPORT(io::batches_seek, "batchesSeek");
  EXPORT(io::block_queue_create, "blockQueueCreate");
  EXPORT(io::block_queue_put, "blockQueuePut");
  EXPORT(io::pair_batches_create, "pairBatchesCreate");
  EXPORT(io::pair_batches_queue, "pairBatchesQueue");
  EXPORT(io::batches_next, "batchesNext");
  EXPORT(io::checksum, "crc32");
  EXPORT(io::folder_lock, "folderLock");
  EXPORT(io::file_open, "fileOpen");
  EXPORT(io::tensors_load, "tensorsLoad");
  EXPORT(io::file_map, "fileMap");
  EXPORT(io::tensors_map, "tensorsMap");
  EXPORT(io::tensors_save, "tensorsSave");
#undef EXPORT
  return exports;
}

}  // namespace

NODE_API_MODULE(torchwright, init)

}  // namespace torchwright

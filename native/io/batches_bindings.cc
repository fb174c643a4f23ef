#include <cmath>

#include "io/bindings.h"
#include "io/block_batches.h"
#include "io/block_queue.h"
#include "io/pair_batches.h"
#include "runtime/job.h"
#include "tensor/dtype.h"
#include "tensor/values.h"

namespace torchwright::io {

namespace {

// Offsets of tokens: whole numbers that JavaScript holds as doubles.
std::vector<int64_t> offsets(Napi::Value value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
    throw Error(code::kArgument, std::string("expected ") + what + " as a Float64Array");
  const auto list = value.As<Napi::Float64Array>();
  std::vector<int64_t> result;
  result.reserve(list.ElementLength());
  for (std::size_t i = 0; i < list.ElementLength(); ++i) {
    const double offset = list[i];
    // The negation also refuses NaN, whose conversion would be undefined.
    if (!(offset >= 0 && offset <= 9007199254740992.0 && offset == std::floor(offset)))
      throw Error(code::kData, std::string(what) + ": offset " + std::to_string(i) + " is not a position in a file");
    result.push_back(static_cast<int64_t>(offset));
  }
  return result;
}

std::vector<int64_t> whole_numbers(Napi::Value value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array)
    throw Error(code::kArgument, std::string("expected ") + what + " as an Int32Array");
  const auto list = value.As<Napi::Int32Array>();
  return {list.Data(), list.Data() + list.ElementLength()};
}

// An object that may be either kind of batches is kept as the base, so that `batchesNext` and training take both; what
// belongs to one kind finds it again here.
template <typename Kind>
std::shared_ptr<Kind> batches_of(Environment& environment, Napi::Value id, const char* what) {
  auto batches = std::dynamic_pointer_cast<Kind>(environment.object<Batches>(id, "batches"));
  if (!batches) throw Error(code::kArgument, std::string("these batches are not ") + what);
  return batches;
}

}  // namespace

Napi::Value batches_create(Environment& environment, const Napi::CallbackInfo& info) {
  BlockBatchesOptions options{offsets(info[1], "the blocks' offsets"), to_int64(info.Env(), info[2], "a block size"),
                              to_int64(info.Env(), info[3], "a batch size"), std::nullopt,
                              parse_device(info[5].ToString())};
  if (!info[4].IsNull() && !info[4].IsUndefined())
    options.seed = to_int64(info.Env(), info[4], "a whole number as seed");
  return environment.add_object<Batches>(
      std::make_shared<BlockBatches>(environment.object<TokenFile>(info[0], "token file"), std::move(options)));
}

Napi::Value batches_seek(Environment& environment, const Napi::CallbackInfo& info) {
  batches_of<BlockBatches>(environment, info[0], "of blocks")
      ->seek(to_int64(info.Env(), info[1], "an epoch"), to_int64(info.Env(), info[2], "a batch"));
  return info.Env().Undefined();
}

Napi::Value block_queue_create(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.add_object<Batches>(std::make_shared<BlockQueue>(
      to_int64(info.Env(), info[0], "a vocabulary's size"), parse_device(info[1].ToString())));
}

Napi::Value block_queue_put(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[1].IsTypedArray() || info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array)
    throw Error(code::kArgument, "expected the blocks' tokens as a Uint32Array");
  const auto ids = info[1].As<Napi::Uint32Array>();
  const auto count = static_cast<int64_t>(ids.ElementLength());
  const int64_t samples = to_int64(info.Env(), info[2], "a number of blocks");
  if (samples < 1 || count % samples != 0)
    throw Error(code::kArgument, std::to_string(count) + " tokens are not " + std::to_string(samples) + " blocks");
  batches_of<BlockQueue>(environment, info[0], "a queue")->put(ids.Data(), samples, count / samples);
  return info.Env().Undefined();
}

Napi::Value pair_batches_create(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[2].IsObject()) throw Error(code::kArgument, "pair batches: expected an object of options");
  const auto given = info[2].As<Napi::Object>();
  const auto side = [&](Napi::Value tokens, const char* key) {
    return Sentences{environment.object<TokenFile>(tokens, "token file"), offsets(given.Get(key), key)};
  };
  return environment.add_object<Batches>(std::make_shared<PairBatches>(
      PairBatchesOptions{side(info[0], "sourceOffsets"), side(info[1], "targetOffsets"),
                         to_int64(info.Env(), given.Get("paddingId"), "a token id for padding"),
                         to_int64(info.Env(), given.Get("eosId"), "a token id as end mark"),
                         parse_device(given.Get("device").ToString())}));
}

Napi::Value pair_batches_queue(Environment& environment, const Napi::CallbackInfo& info) {
  batches_of<PairBatches>(environment, info[0], "of pairs")
      ->queue(whole_numbers(info[1], "the sentences' numbers"), whole_numbers(info[2], "the batches' ends"));
  return info.Env().Undefined();
}

Napi::Value batches_next(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [batches = environment.object<Batches>(info[1], "batches")](const CancelFlag& cancel) {
        return batches->next(cancel);
      },
      [](Environment& environment, const Batch& batch) {
        auto object = Napi::Object::New(environment.napi());
        object.Set("inputs", environment.handles_of(batch.inputs));
        object.Set("samples", static_cast<double>(batch.samples));
        object.Set("targets", static_cast<double>(batch.targets));
        object.Set("tokens", static_cast<double>(batch.tokens));
        return object;
      });
}

}  // namespace torchwright::io

#include <ATen/ATen.h>

#include "nn/bindings.h"
#include "nn/kernels/candidates.h"
#include "nn/kernels/sampling.h"
#include "nn/module.h"
#include "runtime/job.h"

namespace torchwright::nn {

namespace {

int64_t count_of(Napi::Value value, const char* what) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1) || number != std::floor(number) || number > 1e9) {
    throw Error(code::kArgument, std::string(what) + " must be a whole number of at least 1");
  }
  return static_cast<int64_t>(number);
}

std::vector<int64_t> ids_of(Napi::Value value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw Error(code::kArgument, std::string(what) + " must be an Int32Array");
  }
  const auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

// What goes into a step, whatever is wanted of it.
struct Feed {
  std::shared_ptr<Decoding> decoding;
  std::vector<int64_t> tokens;
  std::optional<std::vector<int64_t>> order;
};

bool absent(Napi::Value value) { return value.IsNull() || value.IsUndefined(); }

Feed feed_of(Environment& environment, Napi::Value decoding, Napi::Object step) {
  Feed feed{environment.object<Decoding>(decoding, "decoding"), ids_of(step.Get("tokens"), "tokens"), std::nullopt};
  if (!absent(step.Get("order"))) feed.order = ids_of(step.Get("order"), "order");
  return feed;
}

// Scores of the next tokens.
at::Tensor run(const Feed& feed, const CancelFlag& cancel) {
  cancel.check();
  Decoding& decoding = *feed.decoding;
  // Everything is checked before anything changes.
  const auto rows = feed.order ? static_cast<int64_t>(feed.order->size()) : decoding.rows();
  const auto count = static_cast<int64_t>(feed.tokens.size());
  if (count == 0 || rows == 0 || count % rows != 0) {
    throw Error(code::kArgument, std::to_string(count) + " tokens do not belong to " + std::to_string(rows) + " rows");
  }
  for (const int64_t id : feed.tokens) {
    if (id >= 0 && id < decoding.vocabulary()) continue;
    throw Error(code::kData, "the token id " + std::to_string(id) + " is outside the vocabulary of " +
                                 std::to_string(decoding.vocabulary()));
  }
  if (feed.order) decoding.reorder(*feed.order);
  const at::Tensor tokens = at::tensor(feed.tokens, at::kLong).view({rows, count / rows}).to(decoding.device());
  return decoding.step(tokens, cancel);
}

// What decides which tokens are drawn.
Sampling sampling_of(Napi::Object object) {
  const auto number = [&](const char* name) { return object.Get(name).ToNumber().DoubleValue(); };
  const auto ints = [&](const char* name) {
    const auto ids = ids_of(object.Get(name), name);
    return std::vector<int32_t>(ids.begin(), ids.end());
  };
  const Napi::Value random = object.Get("random");
  if (!random.IsTypedArray() || random.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw Error(code::kArgument, "random must be a Float64Array");
  }
  const auto numbers = random.As<Napi::Float64Array>();
  const double top_k = number("topK");
  return {.rule = {.repetition_penalty = number("repetitionPenalty"),
                   .temperature = number("temperature"),
                   .top_k = top_k >= 0 && top_k < 1e9 ? static_cast<int64_t>(top_k) : -1,
                   .top_p = number("topP"),
                   .min_p = number("minP")},
          .random = {numbers.Data(), numbers.Data() + numbers.ElementLength()},
          .seen = ints("seen"),
          .seen_ends = ints("seenEnds"),
          .banned = ids_of(object.Get("banned"), "banned")};
}

Napi::Object object_of(Napi::Value value, const char* what) {
  if (!value.IsObject()) throw Error(code::kArgument, std::string(what) + ": expected an object");
  return value.As<Napi::Object>();
}

template <typename Array, typename T>
Array typed_array(Napi::Env env, const std::vector<T>& values) {
  auto array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Value tokens_of(Napi::Env env, const std::vector<int32_t>& ids, const std::vector<float>& log_probabilities) {
  auto result = Napi::Object::New(env);
  result.Set("ids", typed_array<Napi::Int32Array>(env, ids));
  result.Set("logProbabilities", typed_array<Napi::Float32Array>(env, log_probabilities));
  return result;
}

}  // namespace

Napi::Value decoding_create(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [module = environment.object<Module>(info[1], "module"), inputs = environment.optional_tensor_list(info[2]),
       sentences = count_of(info[3], "sentences"), beams = count_of(info[4], "beams"),
       capacity = count_of(info[5], "capacity")](const CancelFlag&) {
        const at::NoGradGuard no_grad;
        return module->decode(inputs, sentences, beams, capacity);
      },
      [](Environment& environment, std::shared_ptr<Decoding>& decoding) { return environment.add_object(decoding); });
}

Napi::Value decoding_step(Environment& environment, const Napi::CallbackInfo& info) {
  const auto object = object_of(info[2], "decodingStep");
  std::optional<int64_t> only;
  if (!absent(object.Get("only"))) only = static_cast<int64_t>(object.Get("only").ToNumber().DoubleValue());
  return submit(
      environment, info[0],
      [feed = feed_of(environment, info[1], object), count = count_of(object.Get("candidates"), "candidates"),
       banned = ids_of(object.Get("banned"), "banned"), only](const CancelFlag& cancel) {
        const at::NoGradGuard no_grad;
        return best_candidates(run(feed, cancel), count, banned, only);
      },
      [](Environment& environment, const Candidates& found) {
        return tokens_of(environment.napi(), found.ids, found.log_probabilities);
      });
}

Napi::Value decoding_sample(Environment& environment, const Napi::CallbackInfo& info) {
  const auto object = object_of(info[2], "decodingSample");
  return submit(
      environment, info[0],
      [feed = feed_of(environment, info[1], object), sampling = sampling_of(object)](const CancelFlag& cancel) {
        const at::NoGradGuard no_grad;
        return draw_tokens(run(feed, cancel), sampling);
      },
      [](Environment& environment, const Drawn& drawn) {
        return tokens_of(environment.napi(), drawn.ids, drawn.log_probabilities);
      });
}

Napi::Value decoding_scores(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [feed = feed_of(environment, info[1], object_of(info[2], "decodingScores"))](const CancelFlag& cancel) {
        const at::NoGradGuard no_grad;
        return run(feed, cancel);
      },
      [](Environment& environment, at::Tensor& scores) {
        return Napi::Number::New(environment.napi(), environment.add_tensor(std::move(scores)));
      });
}

Napi::Value sample_tokens(Environment& environment, const Napi::CallbackInfo& info) {
  const Drawn drawn = draw_tokens(environment.tensor(info[0]), sampling_of(object_of(info[1], "sampleTokens")));
  return tokens_of(environment.napi(), drawn.ids, drawn.log_probabilities);
}

}  // namespace torchwright::nn

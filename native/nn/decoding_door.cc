#include <ATen/ATen.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "nn/bindings.h"
#include "nn/kernels/candidates.h"
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

// Keeps this thread's OpenMP from waking others while alive: for a few rows that takes longer than what they could do.
class SerialScope {
 public:
#ifdef _OPENMP
  explicit SerialScope(bool active) : former_(omp_get_max_threads()) {
    if (active) omp_set_num_threads(1);
  }
  ~SerialScope() { omp_set_num_threads(former_); }
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  int former_;
#else
  explicit SerialScope(bool) {}
#endif
};
constexpr int64_t kSerialRows = 16;

struct Step {
  std::shared_ptr<Decoding> decoding;
  std::vector<int64_t> tokens;
  std::optional<std::vector<int64_t>> order;
  int64_t candidates;
  std::vector<int64_t> banned;
  std::optional<int64_t> only;
};

Candidates run_step(const Step& step) {
  const at::NoGradGuard no_grad;
  Decoding& decoding = *step.decoding;
  // Everything is checked before anything changes.
  const auto rows = step.order ? static_cast<int64_t>(step.order->size()) : decoding.rows();
  const auto count = static_cast<int64_t>(step.tokens.size());
  if (count == 0 || rows == 0 || count % rows != 0) {
    throw Error(code::kArgument, std::to_string(count) + " tokens do not belong to " + std::to_string(rows) + " rows");
  }
  for (const int64_t id : step.tokens) {
    if (id >= 0 && id < decoding.vocabulary()) continue;
    throw Error(code::kData, "the token id " + std::to_string(id) + " is outside the vocabulary of " +
                                 std::to_string(decoding.vocabulary()));
  }
  const SerialScope serial(rows <= kSerialRows);
  if (step.order) decoding.reorder(*step.order);
  const at::Tensor tokens = at::tensor(step.tokens, at::kLong).view({rows, count / rows}).to(decoding.device());
  return best_candidates(decoding.step(tokens), step.candidates, step.banned, step.only);
}

template <typename Array, typename T>
Array typed_array(Napi::Env env, const std::vector<T>& values) {
  auto array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
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
  if (!info[2].IsObject()) throw Error(code::kArgument, "decodingStep: expected an object");
  const auto object = info[2].As<Napi::Object>();
  const auto absent = [](Napi::Value value) { return value.IsNull() || value.IsUndefined(); };
  Step step{environment.object<Decoding>(info[1], "decoding"), ids_of(object.Get("tokens"), "tokens"), std::nullopt,
            count_of(object.Get("candidates"), "candidates"),  ids_of(object.Get("banned"), "banned"), std::nullopt};
  if (!absent(object.Get("order"))) step.order = ids_of(object.Get("order"), "order");
  if (!absent(object.Get("only"))) {
    step.only = static_cast<int64_t>(object.Get("only").ToNumber().DoubleValue());
  }
  return submit(
      environment, info[0],
      [step = std::move(step)](const CancelFlag& cancel) {
        cancel.check();
        return run_step(step);
      },
      [](Environment& environment, const Candidates& found) {
        const Napi::Env env = environment.napi();
        auto result = Napi::Object::New(env);
        result.Set("ids", typed_array<Napi::Int32Array>(env, found.ids));
        result.Set("logProbabilities", typed_array<Napi::Float32Array>(env, found.log_probabilities));
        return result;
      });
}

}  // namespace torchwright::nn

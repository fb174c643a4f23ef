#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <unordered_set>

#include "runtime/environment.h"
#include "train/bindings.h"
#include "train/gradients.h"

namespace torchwright::train {

namespace {

double number(Napi::Value value, const char* what) {
  if (!value.IsNumber()) throw Error(code::kArgument, std::string("expected a number as ") + what);
  return value.As<Napi::Number>().DoubleValue();
}

}  // namespace

Napi::Value gradients(Environment& environment, const Napi::CallbackInfo& info) {
  const auto buckets = gradient_buckets(environment.tensor_list(info[0]));
  auto list = Napi::Array::New(info.Env(), buckets.size());
  for (uint32_t b = 0; b < buckets.size(); ++b) {
    const GradientBucket& bucket = buckets[b];
    auto positions = Napi::Array::New(info.Env(), bucket.positions.size());
    for (uint32_t i = 0; i < bucket.positions.size(); ++i) positions.Set(i, static_cast<double>(bucket.positions[i]));
    auto object = Napi::Object::New(info.Env());
    object.Set("positions", positions);
    object.Set("gradients", environment.handles_of(bucket.gradients));
    list.Set(b, object);
  }
  return list;
}

Napi::Value forget_gradients(Environment& environment, const Napi::CallbackInfo& info) {
  for (const at::Tensor& parameter : environment.tensor_list(info[0])) parameter.mutable_grad().reset();
  return info.Env().Undefined();
}

Napi::Value bump_versions(Environment& environment, const Napi::CallbackInfo& info) {
  for (const at::Tensor& tensor : environment.tensor_list(info[0])) torch::autograd::impl::bump_version(tensor);
  return info.Env().Undefined();
}

Napi::Value alike(Environment& environment, const Napi::CallbackInfo& info) {
  std::vector<std::vector<at::Tensor>> lists;
  for (std::size_t i = 0; i < info.Length(); ++i) lists.push_back(environment.tensor_list(info[i]));
  return Napi::Boolean::New(info.Env(), torchwright::alike(lists));
}

Napi::Value first_repeated(Environment& environment, const Napi::CallbackInfo& info) {
  const auto tensors = environment.tensor_list(info[0]);
  std::unordered_set<const at::TensorImpl*> seen;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!seen.insert(tensors[i].unsafeGetTensorImpl()).second)
      return Napi::Number::New(info.Env(), static_cast<double>(i));
  }
  return info.Env().Null();
}

Napi::Value total_norm(Environment& environment, const Napi::CallbackInfo& info) {
  const double norm_type = number(info[1], "order of the norm");
  return Napi::Number::New(info.Env(),
                           torchwright::total_norm(environment.tensor_list(info[0]), norm_type).item<double>());
}

Napi::Value clip_grad_norm(Environment& environment, const Napi::CallbackInfo& info) {
  const auto parameters = environment.tensor_list(info[0]);
  const double max_norm = number(info[1], "largest norm");
  const double norm_type = number(info[2], "order of the norm");
  if (info[3].ToBoolean()) {
    const double norm = torchwright::total_grad_norm(parameters, norm_type).item<double>();
    if (!std::isfinite(norm))
      throw Error(code::kNonFinite, "the norm of all gradients is " + std::to_string(norm) + "; none was changed");
  }
  return Napi::Number::New(info.Env(), torchwright::clip_grad_norm(parameters, max_norm, norm_type).item<double>());
}

}  // namespace torchwright::train

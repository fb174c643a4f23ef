#include "runtime/environment.h"
#include "tensor/values.h"
#include "train/adamw.h"
#include "train/bindings.h"

namespace torchwright::train {

namespace {

double number(Napi::Object object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsNumber()) throw Error(code::kArgument, std::string("AdamW: ") + key + " must be a number");
  return value.ToNumber().DoubleValue();
}

std::shared_ptr<AdamW> optimizer(Environment& environment, Napi::Value id) {
  return environment.object<AdamW>(id, "optimiser");
}

}  // namespace

Napi::Value adamw_create(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[0].IsArray()) throw Error(code::kArgument, "AdamW: expected an array of parameter groups");
  const auto list = info[0].As<Napi::Array>();
  std::vector<AdamWGroup> groups;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    if (!list.Get(i).IsObject()) throw Error(code::kArgument, "AdamW: a parameter group must be an object");
    const auto object = list.Get(i).As<Napi::Object>();
    groups.push_back({environment.tensor_list(object.Get("parameters")), number(object, "learningRate"),
                      number(object, "beta1"), number(object, "beta2"), number(object, "epsilon"),
                      number(object, "weightDecay"), object.Get("epsilonBeforeCorrection").ToBoolean()});
  }
  return environment.add_object(std::make_shared<AdamW>(std::move(groups)));
}

Napi::Value adamw_step(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[1].IsArray()) throw Error(code::kArgument, "AdamW: expected an array of learning rates");
  const auto list = info[1].As<Napi::Array>();
  std::vector<double> rates;
  for (uint32_t i = 0; i < list.Length(); ++i) rates.push_back(list.Get(i).ToNumber().DoubleValue());
  optimizer(environment, info[0])->step(rates);
  return info.Env().Undefined();
}

Napi::Value adamw_zero_grad(Environment& environment, const Napi::CallbackInfo& info) {
  optimizer(environment, info[0])->zero_grad();
  return info.Env().Undefined();
}

Napi::Value adamw_state(Environment& environment, const Napi::CallbackInfo& info) {
  const auto adamw = optimizer(environment, info[0]);
  auto list = Napi::Array::New(info.Env(), adamw->moments().size());
  uint32_t index = 0;
  for (const AdamWMoments& moments : adamw->moments()) {
    if (!moments.step.defined()) {
      list.Set(index++, info.Env().Null());
      continue;
    }
    auto object = Napi::Object::New(info.Env());
    object.Set("step", static_cast<double>(moments.updates));
    object.Set("expAvg", environment.add_tensor(moments.exp_avg));
    object.Set("expAvgSq", environment.add_tensor(moments.exp_avg_sq));
    list.Set(index++, object);
  }
  return list;
}

Napi::Value adamw_load_state(Environment& environment, const Napi::CallbackInfo& info) {
  const auto adamw = optimizer(environment, info[0]);
  const auto parameters = adamw->parameters();
  if (!info[1].IsArray() || info[1].As<Napi::Array>().Length() != parameters.size()) {
    throw Error(code::kCheckpoint, "AdamW: the state is not of " + std::to_string(parameters.size()) + " parameters");
  }
  const auto list = info[1].As<Napi::Array>();
  std::vector<AdamWMoments> loaded(parameters.size());
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    const Napi::Value entry = list.Get(i);
    if (entry.IsNull() || entry.IsUndefined()) continue;
    const auto object = entry.As<Napi::Object>();
    const at::Tensor& exp_avg = environment.tensor(object.Get("expAvg"));
    const at::Tensor& exp_avg_sq = environment.tensor(object.Get("expAvgSq"));
    if (exp_avg.sizes() != parameters[i].sizes() || exp_avg_sq.sizes() != parameters[i].sizes()) {
      throw Error(code::kCheckpoint, "AdamW: the moments of parameter " + std::to_string(i) + " do not have its shape");
    }
    const auto options = parameters[i].options().requires_grad(false);
    loaded[i].updates = to_int64(info.Env(), object.Get("step"), "a whole number of updates");
    if (loaded[i].updates < 0) throw Error(code::kCheckpoint, "AdamW: a number of updates is negative");
    loaded[i].step = at::full({}, static_cast<double>(loaded[i].updates), options.dtype(at::kFloat));
    // Copies: the caller's tensors stay the caller's.
    loaded[i].exp_avg = exp_avg.detach().to(options).clone();
    loaded[i].exp_avg_sq = exp_avg_sq.detach().to(options).clone();
  }
  adamw->moments() = std::move(loaded);
  return info.Env().Undefined();
}

Napi::Value clip_grad_norm(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[1].IsNumber()) throw Error(code::kArgument, "clipGradNorm: expected a number as largest norm");
  const at::Tensor norm =
      torchwright::clip_grad_norm(environment.tensor_list(info[0]), info[1].ToNumber().DoubleValue());
  return Napi::Number::New(info.Env(), norm.item<double>());
}

}  // namespace torchwright::train

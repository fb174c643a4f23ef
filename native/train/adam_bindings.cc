#include "runtime/environment.h"
#include "tensor/values.h"
#include "train/adam.h"
#include "train/bindings.h"

namespace torchwright::train {

namespace {

double number(Napi::Object object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsNumber()) throw Error(code::kArgument, std::string("Adam: ") + key + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

Napi::Object object_at(Napi::Value list, uint32_t index) {
  const Napi::Value value = list.As<Napi::Array>().Get(index);
  if (!value.IsObject()) throw Error(code::kArgument, "Adam: a group's settings must be an object");
  return value.As<Napi::Object>();
}

AdamSettings read_settings(Napi::Object object) {
  return {.learning_rate = number(object, "learningRate"),
          .beta1 = number(object, "beta1"),
          .beta2 = number(object, "beta2"),
          .epsilon = number(object, "epsilon"),
          .weight_decay = number(object, "weightDecay"),
          .decoupled = object.Get("decoupled").ToBoolean(),
          .amsgrad = object.Get("amsgrad").ToBoolean(),
          .maximize = object.Get("maximize").ToBoolean(),
          .epsilon_before_correction = object.Get("epsilonBeforeCorrection").ToBoolean()};
}

std::shared_ptr<Adam> optimizer(Environment& environment, Napi::Value id) {
  return environment.object<Adam>(id, "optimiser");
}

// A copy: the caller's tensors stay the caller's.
at::Tensor loaded_moment(Environment& environment, Napi::Value handle, const at::Tensor& parameter, uint32_t index) {
  const at::Tensor moment = environment.optional_tensor(handle);
  if (!moment.defined()) return {};
  if (moment.sizes() != parameter.sizes()) {
    throw Error(code::kCheckpoint,
                "Adam: the moments of parameter " + std::to_string(index) + " do not have its shape");
  }
  return laid_out_as(parameter.detach(), moment.detach());
}

}  // namespace

Napi::Value adam_create(Environment& environment, const Napi::CallbackInfo&) {
  return environment.add_object(std::make_shared<Adam>(std::vector<AdamGroup>{}));
}

Napi::Value adam_add_group(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[2].IsObject()) throw Error(code::kArgument, "Adam: a group's settings must be an object");
  optimizer(environment, info[0])
      ->add_group({environment.tensor_list(info[1]), read_settings(info[2].As<Napi::Object>())});
  return info.Env().Undefined();
}

Napi::Value adam_step(Environment& environment, const Napi::CallbackInfo& info) {
  const auto adam = optimizer(environment, info[0]);
  if (!info[1].IsArray() || info[1].As<Napi::Array>().Length() != adam->groups().size())
    throw Error(code::kArgument, "Adam: settings for each group are wanted");
  for (uint32_t i = 0; i < adam->groups().size(); ++i)
    adam->groups()[i].settings = read_settings(object_at(info[1], i));
  adam->step();
  return info.Env().Undefined();
}

Napi::Value adam_state(Environment& environment, const Napi::CallbackInfo& info) {
  const auto adam = optimizer(environment, info[0]);
  auto list = Napi::Array::New(info.Env(), adam->moments().size());
  uint32_t index = 0;
  for (const AdamMoments& moments : adam->moments()) {
    if (!moments.step.defined()) {
      list.Set(index++, info.Env().Null());
      continue;
    }
    auto object = Napi::Object::New(info.Env());
    object.Set("step", static_cast<double>(moments.updates));
    object.Set("expAvg", environment.add_tensor(moments.exp_avg));
    object.Set("expAvgSq", environment.add_tensor(moments.exp_avg_sq));
    if (moments.max_exp_avg_sq.defined()) object.Set("maxExpAvgSq", environment.add_tensor(moments.max_exp_avg_sq));
    list.Set(index++, object);
  }
  return list;
}

Napi::Value adam_load_state(Environment& environment, const Napi::CallbackInfo& info) {
  const auto adam = optimizer(environment, info[0]);
  const auto parameters = adam->parameters();
  if (!info[1].IsArray() || info[1].As<Napi::Array>().Length() != parameters.size()) {
    throw Error(code::kCheckpoint, "Adam: the state is not of " + std::to_string(parameters.size()) + " parameters");
  }
  const auto list = info[1].As<Napi::Array>();
  std::vector<AdamMoments> loaded(parameters.size());
  for (uint32_t i = 0; i < parameters.size(); ++i) {
    const Napi::Value entry = list.Get(i);
    if (entry.IsNull() || entry.IsUndefined()) continue;
    const Napi::Object object = object_at(list, i);
    AdamMoments& moments = loaded[i];
    moments.updates = to_int64(info.Env(), object.Get("step"), "a whole number of updates");
    if (moments.updates < 0) throw Error(code::kCheckpoint, "Adam: a number of updates is negative");
    moments.step = at::full({}, static_cast<double>(moments.updates),
                            parameters[i].options().dtype(at::kFloat).requires_grad(false));
    moments.exp_avg = loaded_moment(environment, object.Get("expAvg"), parameters[i], i);
    moments.exp_avg_sq = loaded_moment(environment, object.Get("expAvgSq"), parameters[i], i);
    moments.max_exp_avg_sq = loaded_moment(environment, object.Get("maxExpAvgSq"), parameters[i], i);
  }
  adam->moments() = std::move(loaded);
  return info.Env().Undefined();
}

}  // namespace torchwright::train

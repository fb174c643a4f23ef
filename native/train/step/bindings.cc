// The training step as a job.
#include "train/bindings.h"

#include "runtime/job.h"
#include "tensor/values.h"
#include "train/step/step.h"

namespace torchwright::train {

namespace {

double number(Napi::Object object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsNumber()) throw Error(code::kArgument, std::string("trainStep: ") + key + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::vector<double> read_rates(Napi::Value value) {
  if (!value.IsArray()) throw Error(code::kArgument, "trainStep: expected an array of learning rates");
  const auto list = value.As<Napi::Array>();
  std::vector<double> rates;
  for (uint32_t i = 0; i < list.Length(); ++i) rates.push_back(list.Get(i).ToNumber().DoubleValue());
  return rates;
}

std::optional<LossScale> read_loss_scale(Environment& environment, Napi::Value value) {
  if (!value.IsObject()) return std::nullopt;
  const auto object = value.As<Napi::Object>();
  return LossScale{environment.tensor(object.Get("scale")), environment.tensor(object.Get("growthTracker")),
                   number(object, "growthFactor"), number(object, "backoffFactor"),
                   to_int64(environment.napi(), object.Get("growthInterval"), "a number of steps")};
}

StepPlan read_plan(Environment& environment, Napi::Value value) {
  if (!value.IsObject()) throw Error(code::kArgument, "trainStep: expected an object");
  const auto object = value.As<Napi::Object>();
  const int64_t micro_batches = to_int64(environment.napi(), object.Get("microBatches"), "a number of micro-batches");
  if (micro_batches < 1) throw Error(code::kArgument, "trainStep: at least one micro-batch is wanted");
  StepPlan plan{environment.object<Module>(object.Get("module"), "module"),
                environment.object<Batches>(object.Get("batches"), "batches"),
                environment.object<Adam>(object.Get("optimizer"), "optimiser"),
                micro_batches,
                read_rates(object.Get("learningRates")),
                std::nullopt,
                optional_dtype(object.Get("autocast")),
                read_loss_scale(environment, object.Get("lossScale"))};
  if (object.Get("maxGradNorm").IsNumber()) plan.max_grad_norm = number(object, "maxGradNorm");
  return plan;
}

Napi::Value split_of(Napi::Env env, const Split& seconds) {
  auto object = Napi::Object::New(env);
  for (std::size_t i = 0; i < seconds.size(); ++i) object.Set(kPartNames[i], seconds[i]);
  return object;
}

Napi::Value non_finite_of(Napi::Env env, const std::optional<NonFinite>& found) {
  if (!found) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("what", found->what);
  object.Set("parameter", found->parameter.empty() ? env.Null() : Napi::String::New(env, found->parameter));
  return object;
}

Napi::Value result_of(Napi::Env env, const StepResult& result) {
  auto object = Napi::Object::New(env);
  object.Set("loss", result.loss);
  object.Set("nll", result.nll);
  object.Set("gradNorm", result.grad_norm);
  object.Set("samples", static_cast<double>(result.samples));
  object.Set("targets", static_cast<double>(result.targets));
  object.Set("tokens", static_cast<double>(result.tokens));
  object.Set("split", split_of(env, result.split));
  object.Set("nonFinite", non_finite_of(env, result.non_finite));
  if (result.scale) object.Set("scale", *result.scale);
  return object;
}

}  // namespace

Napi::Value train_step(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [plan = read_plan(environment, info[1])](const CancelFlag& cancel) { return run_step(plan, cancel); },
      [](Environment& environment, const StepResult& result) { return result_of(environment.napi(), result); });
}

}  // namespace torchwright::train

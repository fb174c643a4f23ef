// One training step, or one evaluation batch, as one job.
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include "io/batches.h"
#include "nn/autocast.h"
#include "nn/module.h"
#include "runtime/job.h"
#include "tensor/dtype.h"
#include "train/adamw.h"
#include "train/bindings.h"

namespace torchwright::train {

namespace {

struct StepPlan {
  std::shared_ptr<Module> module;
  std::shared_ptr<Batches> batches;
  std::shared_ptr<AdamW> optimizer;
  int64_t micro_batches;
  std::vector<double> learning_rates;
  std::optional<double> max_grad_norm;
  std::optional<at::ScalarType> autocast;
};

struct StepResult {
  double loss, grad_norm;
  int64_t samples, tokens;
};

StepResult run_step(const StepPlan& plan, const CancelFlag& cancel) {
  const at::AutoGradMode grad(true);
  std::vector<at::Tensor> inputs;
  StepResult result{0, 0, 0, 0};
  for (int64_t i = 0; i < plan.micro_batches; ++i) {
    inputs.push_back(plan.batches->next(cancel));
    result.samples += inputs.back().size(0);
    result.tokens += inputs.back().numel();
  }
  plan.optimizer->zero_grad();
  at::Tensor total;
  for (at::Tensor& ids : inputs) {
    cancel.check();
    at::Tensor loss;
    {
      const AutocastScope autocast(ids.device().type(), plan.autocast);
      loss = plan.module->call("loss", {ids, at::Tensor()}).at(0);
    }
    // Blocks are of equal length: weighing by samples makes the sum the mean over all tokens, also with a short last
    // batch.
    if (inputs.size() > 1) loss = loss * (static_cast<double>(ids.size(0)) / static_cast<double>(result.samples));
    loss.backward();
    total = total.defined() ? total + loss.detach() : loss.detach();
  }
  const auto parameters = plan.optimizer->parameters();
  const at::Tensor norm =
      plan.max_grad_norm ? torchwright::clip_grad_norm(parameters, *plan.max_grad_norm) : total_grad_norm(parameters);
  result.loss = total.item<double>();
  result.grad_norm = norm.item<double>();
  // A loss or gradient that is not a number would spoil every weight: leave them as they are and let the caller say so.
  if (std::isfinite(result.loss) && std::isfinite(result.grad_norm)) plan.optimizer->step(plan.learning_rates);
  plan.optimizer->zero_grad();
  return result;
}

struct EvaluationResult {
  double loss;
  int64_t correct, predicted, samples;
};

}  // namespace

Napi::Value train_step(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[1].IsObject()) throw Error(code::kArgument, "trainStep: expected an object");
  const auto step = info[1].As<Napi::Object>();
  StepPlan plan{environment.object<Module>(step.Get("module"), "module"),
                environment.object<Batches>(step.Get("batches"), "batches"),
                environment.object<AdamW>(step.Get("optimizer"), "optimiser"),
                to_int64(info.Env(), step.Get("microBatches"), "a number of micro-batches"),
                {},
                std::nullopt,
                optional_dtype(step.Get("autocast"))};
  if (plan.micro_batches < 1) throw Error(code::kArgument, "trainStep: at least one micro-batch is wanted");
  if (!step.Get("learningRates").IsArray())
    throw Error(code::kArgument, "trainStep: expected an array of learning rates");
  const auto rates = step.Get("learningRates").As<Napi::Array>();
  for (uint32_t i = 0; i < rates.Length(); ++i) plan.learning_rates.push_back(rates.Get(i).ToNumber().DoubleValue());
  if (step.Get("maxGradNorm").IsNumber()) plan.max_grad_norm = step.Get("maxGradNorm").ToNumber().DoubleValue();
  return submit(
      environment, info[0], [plan = std::move(plan)](const CancelFlag& cancel) { return run_step(plan, cancel); },
      [](Environment& environment, const StepResult& result) {
        auto object = Napi::Object::New(environment.napi());
        object.Set("loss", result.loss);
        object.Set("gradNorm", result.grad_norm);
        object.Set("samples", static_cast<double>(result.samples));
        object.Set("tokens", static_cast<double>(result.tokens));
        return object;
      });
}

Napi::Value evaluate_batch(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [module = environment.object<Module>(info[1], "module"),
       batches = environment.object<Batches>(info[2], "batches"),
       dtype = optional_dtype(info[3])](const CancelFlag& cancel) {
        const at::NoGradGuard no_grad;
        const at::Tensor ids = batches->next(cancel);
        const AutocastScope autocast(ids.device().type(), dtype);
        const auto outputs = module->call("evaluate", {ids, at::Tensor()});
        return EvaluationResult{outputs.at(0).item<double>(), outputs.at(1).item<int64_t>(),
                                outputs.at(2).item<int64_t>(), ids.size(0)};
      },
      [](Environment& environment, const EvaluationResult& result) {
        auto object = Napi::Object::New(environment.napi());
        object.Set("loss", result.loss);
        object.Set("correct", static_cast<double>(result.correct));
        object.Set("predicted", static_cast<double>(result.predicted));
        object.Set("samples", static_cast<double>(result.samples));
        return object;
      });
}

}  // namespace torchwright::train

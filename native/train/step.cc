// One training step, or one evaluation batch, as one job.
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/variable.h>

#include "io/batches.h"
#include "nn/autocast.h"
#include "nn/module.h"
#include "runtime/job.h"
#include "tensor/dtype.h"
#include "train/adam.h"
#include "train/bindings.h"

namespace torchwright::train {

namespace {

struct StepPlan {
  std::shared_ptr<Module> module;
  std::shared_ptr<Batches> batches;
  std::shared_ptr<Adam> optimizer;
  int64_t micro_batches;
  std::vector<double> learning_rates;
  std::optional<double> max_grad_norm;
  std::optional<at::ScalarType> autocast;
};

struct StepResult {
  double loss, nll, grad_norm;
  int64_t samples, targets, tokens;
};

// What a micro-batch's `loss` gave. The second is the plain cross-entropy where the first is another, as with label
// smoothing.
struct Losses {
  at::Tensor loss, nll;
};

Losses losses_of(Module& module, const Batch& batch, std::optional<at::ScalarType> dtype) {
  const AutocastScope autocast(batch.inputs.at(0).device().type(), dtype);
  const auto outputs = module.call("loss", batch.inputs);
  return {outputs.at(0), outputs.size() > 1 ? outputs[1].detach() : outputs[0].detach()};
}

void add(at::Tensor& total, const at::Tensor& part) { total = total.defined() ? total + part : part; }

void update(Adam& optimizer, const std::vector<double>& learning_rates) {
  if (learning_rates.size() != optimizer.groups().size())
    throw Error(code::kArgument, "trainStep: one learning rate for each group is wanted");
  for (std::size_t i = 0; i < learning_rates.size(); ++i)
    optimizer.groups()[i].settings.learning_rate = learning_rates[i];
  optimizer.step();
}

StepResult run_step(const StepPlan& plan, const CancelFlag& cancel) {
  const at::AutoGradMode grad(true);
  std::vector<Batch> batches;
  StepResult result{};
  for (int64_t i = 0; i < plan.micro_batches; ++i) {
    batches.push_back(plan.batches->next(cancel));
    result.samples += batches.back().samples;
    result.targets += batches.back().targets;
    result.tokens += batches.back().tokens;
  }
  plan.optimizer->zero_grad();
  // With nothing to predict there is no mean loss, and nothing to learn: no update.
  if (result.targets == 0) return result;
  at::Tensor loss, nll;
  for (const Batch& batch : batches) {
    cancel.check();
    if (batch.targets == 0) continue;
    Losses part = losses_of(*plan.module, batch, plan.autocast);
    // Each loss is a mean over the batch's targets: weighing by targets makes the sum the mean over all of the update.
    if (batches.size() > 1) {
      const double weight = static_cast<double>(batch.targets) / static_cast<double>(result.targets);
      part = {part.loss * weight, part.nll * weight};
    }
    part.loss.backward();
    add(loss, part.loss.detach());
    add(nll, part.nll);
  }
  const auto parameters = plan.optimizer->parameters();
  const at::Tensor norm =
      plan.max_grad_norm ? torchwright::clip_grad_norm(parameters, *plan.max_grad_norm) : total_grad_norm(parameters);
  result.loss = loss.item<double>();
  result.nll = nll.item<double>();
  result.grad_norm = norm.item<double>();
  // A loss or gradient that is not a number would spoil every weight: leave them as they are and let the caller say so.
  if (std::isfinite(result.loss) && std::isfinite(result.grad_norm)) update(*plan.optimizer, plan.learning_rates);
  plan.optimizer->zero_grad();
  return result;
}

struct EvaluationResult {
  double loss;  // mean over what is predicted
  int64_t correct, predicted, samples;
};

}  // namespace

Napi::Value train_step(Environment& environment, const Napi::CallbackInfo& info) {
  if (!info[1].IsObject()) throw Error(code::kArgument, "trainStep: expected an object");
  const auto step = info[1].As<Napi::Object>();
  StepPlan plan{environment.object<Module>(step.Get("module"), "module"),
                environment.object<Batches>(step.Get("batches"), "batches"),
                environment.object<Adam>(step.Get("optimizer"), "optimiser"),
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
        object.Set("nll", result.nll);
        object.Set("gradNorm", result.grad_norm);
        object.Set("samples", static_cast<double>(result.samples));
        object.Set("targets", static_cast<double>(result.targets));
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
        const Batch batch = batches->next(cancel);
        if (batch.targets == 0) return EvaluationResult{0, 0, 0, batch.samples};
        const AutocastScope autocast(batch.inputs.at(0).device().type(), dtype);
        const auto outputs = module->call("evaluate", batch.inputs);
        return EvaluationResult{outputs.at(0).item<double>(), outputs.at(1).item<int64_t>(),
                                outputs.at(2).item<int64_t>(), batch.samples};
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

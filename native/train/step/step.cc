// One training step as one job.
#include "train/step/step.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/stack.h>

#include "io/batches.h"
#include "nn/autocast.h"
#include "train/gradients.h"

namespace torchwright::train {

namespace {

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

void set_rates(Adam& optimizer, const std::vector<double>& learning_rates) {
  if (learning_rates.size() != optimizer.groups().size())
    throw Error(code::kArgument, "trainStep: one learning rate for each group is wanted");
  for (std::size_t i = 0; i < learning_rates.size(); ++i)
    optimizer.groups()[i].settings.learning_rate = learning_rates[i];
}

std::vector<Batch> fetch(const StepPlan& plan, StepResult& result, const CancelFlag& cancel) {
  std::vector<Batch> batches;
  for (int64_t i = 0; i < plan.micro_batches; ++i) {
    batches.push_back(plan.batches->next(cancel));
    result.samples += batches.back().samples;
    result.targets += batches.back().targets;
    result.tokens += batches.back().tokens;
  }
  return batches;
}

// Forward and backward: the gradients of the mean over all targets, and that mean.
Losses accumulate(const StepPlan& plan, const std::vector<Batch>& batches, int64_t targets, Timer& timer,
                  const CancelFlag& cancel) {
  Losses total;
  for (const Batch& batch : batches) {
    cancel.check();
    if (batch.targets == 0) continue;
    timer.begin(Part::kForward);
    Losses part = losses_of(*plan.module, batch, plan.autocast);
    // Each loss is a mean over the batch's targets: weighing by targets makes the sum the mean over all of the update.
    if (batches.size() > 1) {
      const double weight = static_cast<double>(batch.targets) / static_cast<double>(targets);
      part = {part.loss * weight, part.nll * weight};
    }
    timer.begin(Part::kBackward);
    (plan.loss_scale ? part.loss * plan.loss_scale->scale : part.loss).backward();
    add(total.loss, part.loss.detach());
    add(total.nll, part.nll);
  }
  return total;
}

// Scalars of a device as numbers: the host waits once for all.
std::vector<double> read(const std::vector<at::Tensor>& scalars) {
  std::vector<double> numbers;
  if (scalars.front().is_cpu()) {
    for (const at::Tensor& scalar : scalars) numbers.push_back(scalar.item<double>());
    return numbers;
  }
  std::vector<at::Tensor> doubles;
  for (const at::Tensor& scalar : scalars) doubles.push_back(scalar.to(scalars.front().device(), at::kDouble));
  const at::Tensor together = at::stack(doubles).cpu();
  numbers.assign(together.const_data_ptr<double>(), together.const_data_ptr<double>() + together.numel());
  return numbers;
}

// 1 where the loss or the gradients are not finite, else 0.
at::Tensor found_non_finite(const at::Tensor& loss, const at::Tensor& norm) {
  const at::NoGradGuard no_grad;
  return at::isfinite(loss.to(norm.device()) * 0 + norm).logical_not_().to(at::kFloat);
}

}  // namespace

StepResult run_step(const StepPlan& plan, const CancelFlag& cancel) {
  const at::AutoGradMode grad(true);
  StepResult result{};
  Timer timer;
  set_rates(*plan.optimizer, plan.learning_rates);
  timer.begin(Part::kData);
  const auto batches = fetch(plan, result, cancel);
  timer.on(batches.front().inputs.at(0).device());
  plan.optimizer->zero_grad();
  // With nothing to predict there is no mean loss, and nothing to learn: no update.
  if (result.targets == 0) {
    result.split = timer.split();
    return result;
  }

  const auto [loss, nll] = accumulate(plan, batches, result.targets, timer, cancel);
  timer.begin(Part::kOptimizer);
  const auto parameters = plan.optimizer->parameters();
  const at::Tensor found = plan.loss_scale ? plan.loss_scale->unscale(parameters) : at::Tensor();
  const at::Tensor norm = total_grad_norm(parameters);
  const at::Tensor spoiled = found_non_finite(loss, norm);
  std::vector<at::Tensor> scalars{loss, nll, norm, spoiled};
  if (plan.loss_scale) {
    scalars.push_back(plan.loss_scale->scale.clone());
    plan.loss_scale->update(at::maximum(found, spoiled.to(found.device())));
  }
  // A loss or gradient that is not a number would spoil every weight. What is to be done is known on the device: there
  // the gradients stay as they are, to be looked at, and so do the weights; the host asks when all is under way.
  if (plan.max_grad_norm) clip_gradients(parameters, norm.masked_fill(spoiled.to(at::kBool), 0), *plan.max_grad_norm);
  plan.optimizer->step(spoiled);
  timer.end();
  const auto numbers = read(scalars);
  result.loss = numbers[0];
  result.nll = numbers[1];
  result.grad_norm = numbers[2];
  if (numbers[3] != 0) {
    plan.optimizer->forget_step();
    result.non_finite = find_non_finite(*plan.module, result.loss);
  }
  if (plan.loss_scale) result.scale = numbers[4];
  plan.optimizer->zero_grad();
  result.split = timer.split();
  return result;
}

}  // namespace torchwright::train

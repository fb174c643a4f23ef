// One training step: forward, backward, clip, update.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "io/batches.h"
#include "nn/module.h"
#include "runtime/cancel.h"
#include "train/adam.h"
#include "train/step/loss_scale.h"
#include "train/step/non_finite.h"
#include "train/step/timer.h"

namespace torchwright::train {

struct StepPlan {
  std::shared_ptr<Module> module;
  std::shared_ptr<Batches> batches;
  std::shared_ptr<Adam> optimizer;
  int64_t micro_batches;
  std::vector<double> learning_rates;
  std::optional<double> max_grad_norm;
  std::optional<at::ScalarType> autocast;
  std::optional<LossScale> loss_scale;
};

struct StepResult {
  double loss, nll, grad_norm;
  int64_t samples, targets, tokens;
  Split split;
  // With it, weights and optimiser are as they were before.
  std::optional<NonFinite> non_finite;
  // The loss scale of this step.
  std::optional<double> scale;
};

StepResult run_step(const StepPlan& plan, const CancelFlag& cancel);

}  // namespace torchwright::train

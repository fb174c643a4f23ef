#include "train/adam.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "runtime/errors.h"

namespace torchwright {

namespace {

// What one call of a fused kernel takes.
struct KernelLists {
  std::vector<at::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps;
};

// The kernel divides by sqrt(v) / sqrt(c) + epsilon with c = 1 - beta2^t. Fairseq's sqrt(v) + epsilon, with the step
// multiplied by sqrt(c), is the same with an epsilon of epsilon / sqrt(c).
double kernel_epsilon(const AdamSettings& settings, int64_t updates) {
  if (!settings.epsilon_before_correction) return settings.epsilon;
  return settings.epsilon / std::sqrt(1 - std::pow(settings.beta2, static_cast<double>(updates)));
}

// The kernels walk over memory as it lies: every moment must lie like its parameter.
void lay_out(at::Tensor& moment, const at::Tensor& parameter, int64_t position) {
  if (alike(parameter, moment)) return;
  if (moment.sizes() != parameter.sizes() || moment.scalar_type() != parameter.scalar_type() ||
      moment.device() != parameter.device()) {
    throw Error(code::kArgument, "parameter " + std::to_string(position) +
                                     " has another shape, dtype or device than at its first update; make a new "
                                     "optimiser after changing a module's");
  }
  moment = laid_out_as(parameter, moment);
}

void run_kernel(const AdamSettings& settings, double epsilon, const KernelLists& lists, const at::Tensor& spoiled) {
  std::optional<at::Tensor> found;
  if (spoiled.defined()) {
    found = spoiled.to(lists.parameters.front().device());
    at::_foreach_add_(lists.steps, 1 - *found);
  } else {
    at::_foreach_add_(lists.steps, 1);
  }
  const auto run = [&](auto kernel) {
    kernel(lists.parameters, lists.gradients, lists.exp_avgs, lists.exp_avg_sqs, lists.max_exp_avg_sqs, lists.steps,
           settings.learning_rate, settings.beta1, settings.beta2, settings.weight_decay, epsilon, settings.amsgrad,
           settings.maximize, std::nullopt, found);
  };
  using Kernel = void (*)(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                          at::TensorList, double, double, double, double, double, bool, bool,
                          const std::optional<at::Tensor>&, const std::optional<at::Tensor>&);
  run(settings.decoupled ? static_cast<Kernel>(&at::_fused_adamw_) : static_cast<Kernel>(&at::_fused_adam_));
}

}  // namespace

at::Tensor laid_out_as(const at::Tensor& like, const at::Tensor& source) {
  return at::empty_like(like, at::MemoryFormat::Preserve).copy_(source);
}

Adam::Adam(const std::vector<AdamGroup>& groups) {
  for (const AdamGroup& group : groups) add_group(group);
}

void Adam::add_group(AdamGroup group) {
  for (const at::Tensor& parameter : group.parameters) {
    if (!at::isFloatingType(parameter.scalar_type()))
      throw Error(code::kDtype, "Adam: a parameter is not of a floating dtype");
    if (!parameter.is_leaf())
      throw Error(code::kArgument, "Adam: a parameter is the result of an operation, not a leaf");
  }
  moments_.resize(moments_.size() + group.parameters.size());
  groups_.push_back(std::move(group));
}

void Adam::step(const at::Tensor& spoiled) {
  const at::NoGradGuard no_grad;
  std::size_t first = 0;
  for (const AdamGroup& group : groups_) {
    for (const GradientBucket& bucket : gradient_buckets(group.parameters))
      update(group.settings, bucket, first, spoiled);
    first += group.parameters.size();
  }
}

void Adam::forget_step() {
  const auto all = parameters();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].grad().defined()) --moments_[i].updates;
  }
}

void Adam::update(const AdamSettings& settings, const GradientBucket& bucket, std::size_t first,
                  const at::Tensor& spoiled) {
  // One call for each epsilon, which is the same for all unless it depends on a parameter's age.
  std::map<double, KernelLists> calls;
  // Copies of parameters with gaps in memory, to be written back.
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (std::size_t i = 0; i < bucket.parameters.size(); ++i) {
    const at::Tensor& original = bucket.parameters[i];
    at::Tensor parameter = original.detach();
    if (!parameter.is_non_overlapping_and_dense()) {
      parameter = laid_out_as(parameter, parameter);
      copies.emplace_back(original, parameter);
    }
    AdamMoments& moments = moments_[first + static_cast<std::size_t>(bucket.positions[i])];
    const auto moment_of = [&](at::Tensor& moment) {
      if (moment.defined()) {
        lay_out(moment, parameter, bucket.positions[i]);
      } else {
        moment = at::zeros_like(parameter, at::MemoryFormat::Preserve);
      }
      return moment;
    };
    if (!moments.step.defined()) moments.step = at::zeros({}, parameter.options().dtype(at::kFloat));
    const at::Tensor exp_avg = moment_of(moments.exp_avg);
    const at::Tensor exp_avg_sq = moment_of(moments.exp_avg_sq);
    ++moments.updates;
    KernelLists& lists = calls[kernel_epsilon(settings, moments.updates)];
    lists.parameters.push_back(parameter);
    lists.gradients.push_back(alike(parameter, bucket.gradients[i]) ? bucket.gradients[i]
                                                                    : laid_out_as(parameter, bucket.gradients[i]));
    lists.exp_avgs.push_back(exp_avg);
    lists.exp_avg_sqs.push_back(exp_avg_sq);
    if (settings.amsgrad) lists.max_exp_avg_sqs.push_back(moment_of(moments.max_exp_avg_sq));
    lists.steps.push_back(moments.step);
  }
  for (const auto& [epsilon, lists] : calls) run_kernel(settings, epsilon, lists, spoiled);
  for (const auto& [original, copy] : copies) original.copy_(copy);
  // The kernels do not tell that they have written.
  for (const at::Tensor& parameter : bucket.parameters) torch::autograd::impl::bump_version(parameter);
}

void Adam::zero_grad() {
  for (const AdamGroup& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<at::Tensor> Adam::parameters() const {
  std::vector<at::Tensor> all;
  for (const AdamGroup& group : groups_) all.insert(all.end(), group.parameters.begin(), group.parameters.end());
  return all;
}

}  // namespace torchwright

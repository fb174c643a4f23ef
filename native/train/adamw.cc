#include "train/adamw.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "runtime/errors.h"

namespace torchwright {

namespace {

// What one call of the fused kernel takes: tensors of one device and dtype, and of one epsilon.
struct Bucket {
  std::vector<at::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
};

using BucketKey = std::tuple<at::DeviceType, at::DeviceIndex, at::ScalarType, double>;

BucketKey key_of(const at::Tensor& tensor, double epsilon) {
  return {tensor.device().type(), tensor.device().index(), tensor.scalar_type(), epsilon};
}

// The kernel divides by sqrt(v) / sqrt(c) + epsilon with c = 1 - beta2^t. Fairseq's sqrt(v) + epsilon, with the step
// multiplied by sqrt(c), is the same with an epsilon of epsilon / sqrt(c).
double kernel_epsilon(const AdamWGroup& group, int64_t updates) {
  if (!group.epsilon_before_correction) return group.epsilon;
  return group.epsilon / std::sqrt(1 - std::pow(group.beta2, static_cast<double>(updates)));
}

std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& parameters) {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients;
}

}  // namespace

AdamW::AdamW(std::vector<AdamWGroup> groups) : groups_(std::move(groups)) {
  std::size_t count = 0;
  for (const AdamWGroup& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) {
      if (!at::isFloatingType(parameter.scalar_type()))
        throw Error(code::kDtype, "AdamW: a parameter is not of a floating dtype");
      if (!parameter.is_leaf())
        throw Error(code::kArgument, "AdamW: a parameter is the result of an operation, not a leaf");
      ++count;
    }
  }
  moments_.resize(count);
}

void AdamW::step(const std::vector<double>& learning_rates) {
  if (learning_rates.size() != groups_.size())
    throw Error(code::kArgument, "AdamW: one learning rate for each group is wanted");
  const at::NoGradGuard no_grad;
  std::size_t index = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const AdamWGroup& group = groups_[g];
    std::map<BucketKey, Bucket> buckets;
    for (const at::Tensor& parameter : group.parameters) {
      AdamWMoments& moments = moments_[index++];
      if (!parameter.grad().defined()) continue;
      if (!moments.step.defined()) {
        moments.step = at::zeros({}, parameter.options().dtype(at::kFloat).requires_grad(false));
        moments.exp_avg = at::zeros_like(parameter, at::MemoryFormat::Preserve);
        moments.exp_avg_sq = at::zeros_like(parameter, at::MemoryFormat::Preserve);
      }
      ++moments.updates;
      Bucket& bucket = buckets[key_of(parameter, kernel_epsilon(group, moments.updates))];
      bucket.parameters.push_back(parameter);
      bucket.gradients.push_back(parameter.grad());
      bucket.exp_avgs.push_back(moments.exp_avg);
      bucket.exp_avg_sqs.push_back(moments.exp_avg_sq);
      bucket.steps.push_back(moments.step);
    }
    for (auto& [key, bucket] : buckets) {
      at::_foreach_add_(bucket.steps, 1);
      at::_fused_adamw_(bucket.parameters, bucket.gradients, bucket.exp_avgs, bucket.exp_avg_sqs, {}, bucket.steps,
                        learning_rates[g], group.beta1, group.beta2, group.weight_decay, /*eps=*/std::get<double>(key),
                        /*amsgrad=*/false, /*maximize=*/false);
      // The kernel does not tell that it has written.
      for (const at::Tensor& parameter : bucket.parameters) torch::autograd::impl::bump_version(parameter);
    }
  }
}

void AdamW::zero_grad() {
  for (const AdamWGroup& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<at::Tensor> AdamW::parameters() const {
  std::vector<at::Tensor> all;
  for (const AdamWGroup& group : groups_) all.insert(all.end(), group.parameters.begin(), group.parameters.end());
  return all;
}

at::Tensor total_grad_norm(const std::vector<at::Tensor>& parameters) {
  const at::NoGradGuard no_grad;
  const auto gradients = gradients_of(parameters);
  if (gradients.empty()) return at::zeros({});
  auto norms = at::_foreach_norm(gradients, 2);
  for (at::Tensor& norm : norms) norm = norm.to(norms[0].device());
  return at::linalg_vector_norm(at::stack(norms));
}

at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm) {
  const at::NoGradGuard no_grad;
  const at::Tensor norm = total_grad_norm(parameters);
  // As torch.nn.utils.clip_grad_norm_: the factor is capped at one, with no read-back to decide.
  const at::Tensor factor = at::clamp(max_norm / (norm + 1e-6), std::nullopt, 1.0);
  for (at::Tensor& gradient : gradients_of(parameters)) gradient.mul_(factor.to(gradient.device()));
  return norm;
}

}  // namespace torchwright

#include "train/step/loss_scale.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros.h>

#include "runtime/errors.h"
#include "train/gradients.h"

namespace torchwright::train {

at::Tensor LossScale::unscale(const std::vector<at::Tensor>& parameters) const {
  const at::NoGradGuard no_grad;
  // The reciprocal in float64, as PyTorch takes it.
  const at::Tensor inverse = scale.to(at::kDouble).reciprocal().to(at::kFloat);
  at::Tensor found = at::zeros({}, scale.options());
  for (const GradientBucket& bucket : gradient_buckets(parameters)) {
    const at::Tensor& first = bucket.gradients.front();
    if (first.scalar_type() == at::kHalf) {
      throw Error(code::kDtype,
                  "gradients in float16 cannot be unscaled: keep the parameters in float32 and compute in float16 by "
                  "autocast");
    }
    at::Tensor here = at::zeros({}, first.options().dtype(at::kFloat));
    at::_amp_foreach_non_finite_check_and_unscale_(bucket.gradients, here, inverse.to(first.device()));
    found = at::maximum(found, here.to(found.device()));
  }
  return found;
}

void LossScale::update(const at::Tensor& found_non_finite) const {
  const at::NoGradGuard no_grad;
  at::Tensor changed = scale, tracker = growth_tracker;
  at::_amp_update_scale_(changed, tracker, found_non_finite, growth_factor, backoff_factor, growth_interval);
}

}  // namespace torchwright::train

// Scaling of losses, so that small gradients do not vanish in float16: the rules of torch.amp.GradScaler, on its
// tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace torchwright::train {

struct LossScale {
  // Scalars on the module's device, float32 and int32: JavaScript's own, changed in place.
  at::Tensor scale, growth_tracker;
  double growth_factor, backoff_factor;
  int64_t growth_interval;

  // Divides all gradients by the scale. A float32 scalar on the scale's device: 1 where some were not finite, else 0.
  at::Tensor unscale(const std::vector<at::Tensor>& parameters) const;
  // Lowers the scale after a step with gradients that were not finite, raises it after enough steps without.
  void update(const at::Tensor& found_non_finite) const;
};

}  // namespace torchwright::train

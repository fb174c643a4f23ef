// AdamW over libtorch's fused kernel: one call updates all parameters of a device and dtype.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace torchwright {

struct AdamWGroup {
  std::vector<at::Tensor> parameters;
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  // Adds epsilon to the root of the second moment before that is corrected for its bias, as fairseq's Adam does.
  bool epsilon_before_correction = false;
};

// Moments of one parameter. Undefined tensors before its first update.
struct AdamWMoments {
  int64_t updates = 0;
  at::Tensor step;  // the same as a float32 scalar on the parameter's device, as the kernel wants it
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
};

class AdamW {
 public:
  explicit AdamW(std::vector<AdamWGroup> groups);

  // Updates every parameter that has a gradient. One rate for each group. Source: Loshchilov & Hutter, ICLR 2019.
  void step(const std::vector<double>& learning_rates);
  void zero_grad();

  std::vector<AdamWGroup>& groups() { return groups_; }
  // In the groups' order.
  std::vector<AdamWMoments>& moments() { return moments_; }
  // All parameters, in the groups' order.
  std::vector<at::Tensor> parameters() const;

 private:
  std::vector<AdamWGroup> groups_;
  std::vector<AdamWMoments> moments_;
};

// L2 norm of all gradients together, a scalar tensor on the first gradient's device; scales them when it exceeds
// `max_norm`.
at::Tensor clip_grad_norm(const std::vector<at::Tensor>& parameters, double max_norm);
at::Tensor total_grad_norm(const std::vector<at::Tensor>& parameters);

}  // namespace torchwright

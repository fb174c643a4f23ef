// Adam and AdamW over libtorch's fused kernels: one call updates all parameters of a device and dtype.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "train/gradients.h"

namespace torchwright {

struct AdamSettings {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  // Shrinks the weights themselves (AdamW); otherwise the decay is part of the gradient (Adam).
  bool decoupled = true;
  // Divides by the largest second moment so far.
  bool amsgrad = false;
  bool maximize = false;
  // Adds epsilon to the root of the second moment before that is corrected for its bias, as fairseq's Adam does.
  bool epsilon_before_correction = false;
};

struct AdamGroup {
  std::vector<at::Tensor> parameters;
  AdamSettings settings;
};

// Moments of one parameter. Undefined tensors before its first update.
struct AdamMoments {
  int64_t updates = 0;
  at::Tensor step;  // the same as a float32 scalar on the parameter's device, as the kernel wants it
  at::Tensor exp_avg;
  at::Tensor exp_avg_sq;
  at::Tensor max_exp_avg_sq;  // with `amsgrad` only
};

class Adam {
 public:
  explicit Adam(const std::vector<AdamGroup>& groups);
  void add_group(AdamGroup group);

  // Updates every parameter that has a gradient. Sources: Kingma & Ba, ICLR 2015; Loshchilov & Hutter, ICLR 2019.
  // `spoiled`: a float32 scalar; where it is 1, weights and moments stay as they are, which the host need not know.
  void step(const at::Tensor& spoiled = {});
  // To be called when the host has learned that the last step was such a one: it did not count.
  void forget_step();
  void zero_grad();

  std::vector<AdamGroup>& groups() { return groups_; }
  // In the groups' order.
  std::vector<AdamMoments>& moments() { return moments_; }
  // All parameters, in the groups' order.
  std::vector<at::Tensor> parameters() const;

 private:
  void update(const AdamSettings& settings, const GradientBucket& bucket, std::size_t first, const at::Tensor& spoiled);

  std::vector<AdamGroup> groups_;
  std::vector<AdamMoments> moments_;
};

// `source` in memory of its own, laid out as `like`.
at::Tensor laid_out_as(const at::Tensor& like, const at::Tensor& source);

}  // namespace torchwright

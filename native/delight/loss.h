// Losses of a linear output layer that never hold all logits.
#pragma once

#include <ATen/core/Tensor.h>

namespace torchwright::delight {

// Sums over rows, scalars in float32 at least.
struct LossSums {
  at::Tensor loss;  // label-smoothed; differentiable
  at::Tensor nll;   // plain; no gradient
};

// Cross entropy of logits x W^T (x [N, in], W [V, in]) against targets [N] int64, with label smoothing as fairseq
// counts it.
LossSums linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets,
                              double smoothing);

struct ScoreSums {
  at::Tensor nll;      // scalar
  at::Tensor correct;  // scalar int64: predictions (the largest logit) that equal the target
};

// The same without gradients.
ScoreSums linear_score(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets);

// -log softmax at the target, [N]; no gradient.
at::Tensor linear_row_losses(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets);

// Rows of `flat` [N, ...] whose target is not `padding`, and those targets; all of them without padding.
std::pair<at::Tensor, at::Tensor> without_padding(const at::Tensor& flat, const at::Tensor& targets,
                                                  std::optional<int64_t> padding);

}  // namespace torchwright::delight

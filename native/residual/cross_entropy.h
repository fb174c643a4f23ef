// The loss of a language model's head, without ever holding all logits: rows are taken in parts, each part's logits
// live until its loss (and, in training, its gradient) is known.
#pragma once

#include <ATen/core/Tensor.h>

namespace torchwright::residual {

// Mean cross-entropy of logits x W^T against targets. x [rows, hidden] in the compute type, weight [vocabulary, hidden]
// in its own, targets [rows] int64. The scalar is float32, or float64 for float64.
at::Tensor linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets);

struct Score {
  at::Tensor loss;     // as above
  at::Tensor correct;  // int64 scalar: rows whose largest logit (the lowest index of equals) is the target
};

// For evaluation; records no gradient.
Score linear_score(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets);

}  // namespace torchwright::residual

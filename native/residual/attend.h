// The arithmetic of causal attention, by blocks of rows, with kernels of our own where there are some, else libtorch's
// operators. No autograd.
#pragma once

#include <vector>

#include "residual/probabilities.h"

namespace torchwright::residual {

ProbabilitySource make_source(const at::Tensor& queries, const at::Tensor& keys, bool keep);

// P values into out [batch, time, K, G, width], any strides but rows of G * width in one piece; values
// [batch * K, time, width]. Fills what is to be kept and is not there.
void attend(const ProbabilitySource& source, const at::Tensor& values, const at::Tensor& out);

// P^T dout [batch * K, time, width]; dout [batch * K, time * G, width].
at::Tensor values_gradient(const ProbabilitySource& source, const at::Tensor& dout);

struct AttentionGradients {
  at::Tensor queries, keys, values;
};
// All of them at once, for the layer that owns the probabilities: dP = sum over uses of dout values^T; its own use is
// the last of `douts`.
AttentionGradients attention_gradient(const ProbabilitySource& source, const std::vector<at::Tensor>& douts,
                                      const std::vector<at::Tensor>& values);

}  // namespace torchwright::residual

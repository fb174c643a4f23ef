// RMSNorm in two parts: rows brought to unit root mean square, and a gain. Rows are shared by all layers that read the
// same stream; the gain is folded into the weights that follow (`x^ (diag(g) W)`), so that it costs nothing for each
// row.
#pragma once

#include <torch/nn/module.h>

namespace torchwright::residual {

class RmsNorm : public torch::nn::Module {
 public:
  RmsNorm(int64_t size, const at::TensorOptions& options);

  at::Tensor weight;  // [size], the gain
};

// x / sqrt(mean(x^2) + eps) over the last dimension, computed in float32 at least, given as `dtype`.
at::Tensor unit_rms(const at::Tensor& x, double eps, at::ScalarType dtype);

}  // namespace torchwright::residual

#include "residual/linear.h"

#include <ATen/ATen.h>

namespace torchwright::residual {

at::Tensor add_linear(const at::Tensor& base, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (base.scalar_type() != x.scalar_type())
    return base + (bias.defined() ? at::linear(x, weight, bias) : at::mm(x, weight.t()));
  const at::Tensor sum = at::addmm(base, x, weight.t());
  return bias.defined() ? sum + bias : sum;
}

Linear::Linear(int64_t in, int64_t out, bool with_bias, double range, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::empty({out, in}, options).normal_(0, range))) {
  if (with_bias) bias = register_parameter("bias", at::zeros({out}, options));
}

Embedding::Embedding(int64_t count, int64_t size, double range, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::empty({count, size}, options).normal_(0, range))) {}

}  // namespace torchwright::residual

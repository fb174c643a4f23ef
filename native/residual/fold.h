// Small steps that turn parameters into the weights of one pass.
#pragma once

#include <ATen/ATen.h>

#include "residual/linear.h"

namespace torchwright::residual {

// `tensor` in another type; undefined stays undefined.
inline at::Tensor converted(const at::Tensor& tensor, at::ScalarType dtype) {
  return tensor.defined() ? tensor.to(dtype) : tensor;
}

// The bias of two matrices put one above the other; undefined where they have none.
inline at::Tensor joined_bias(const Linear& first, const Linear& second, at::ScalarType dtype) {
  return first.bias.defined() ? at::cat({first.bias, second.bias}).to(dtype) : at::Tensor();
}

}  // namespace torchwright::residual

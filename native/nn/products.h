// Products of batches of matrices [batch, rows, columns]: with kernels of our own where those are for this machine,
// else libtorch's.
#pragma once

#include <ATen/core/Tensor.h>

namespace torchwright {

// a b. `a` may be a transposed or sliced view; b is read in place when its rows are contiguous, else copied.
at::Tensor batched_product(const at::Tensor& a, const at::Tensor& b);

// x W^T + bias over the last axis of x, as at::linear; faster for the few rows of a decoding step. `bias` may be
// undefined.
at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace torchwright

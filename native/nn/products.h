// Matrix products, with kernels of our own where those are for this machine and type, else libtorch's.
#pragma once

#include <ATen/core/Tensor.h>

namespace torchwright {

// a b of batches of matrices [batch, rows, columns]; no autograd. `a` may be a transposed or sliced view; b is read in
// place when its rows are contiguous, else copied.
at::Tensor batched_product(const at::Tensor& a, const at::Tensor& b);

// a b^T of batches of matrices, a [batch, rows, depth], b [batch, columns, depth]; no autograd. b is read in place when
// its rows are contiguous and follow one another.
at::Tensor batched_product_transposed(const at::Tensor& a, const at::Tensor& b);

// c += a b of single matrices; c has contiguous rows. No autograd.
void add_product(at::Tensor& c, const at::Tensor& a, const at::Tensor& b);

// x W^T + bias over the last axis of x, differentiable. `bias` may be undefined.
at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace torchwright

#include "nn/products.h"

#include <ATen/ATen.h>

#include "nn/kernels/gemm.h"

namespace torchwright {

at::Tensor batched_product(const at::Tensor& a, const at::Tensor& b) {
  const bool own = gemm_supported() && a.device().is_cpu() && a.scalar_type() == at::kFloat &&
                   b.scalar_type() == at::kFloat;
  if (!own) return at::bmm(a, b);
  const at::Tensor right = b.stride(2) == 1 ? b : b.contiguous();
  at::Tensor c = at::empty({a.size(0), a.size(1), b.size(2)}, a.options().requires_grad(std::nullopt));
  gemm({.batch = a.size(0),
        .rows = a.size(1),
        .columns = b.size(2),
        .depth = a.size(2),
        .a = a.const_data_ptr<float>(),
        .a_batch = a.stride(0),
        .a_row = a.stride(1),
        .a_depth = a.stride(2),
        .b = right.const_data_ptr<float>(),
        .b_batch = right.stride(0),
        .b_depth = right.stride(1),
        .c = c.mutable_data_ptr<float>(),
        .c_batch = c.stride(0),
        .c_row = c.stride(1)});
  return c;
}

}  // namespace torchwright

#include "nn/products.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include "nn/kernels/gemm.h"

namespace torchwright {

namespace {

bool plain_float(const at::Tensor& tensor) { return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat; }

}  // namespace

at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t in = weight.size(1), out = weight.size(0);
  const bool own = !at::GradMode::is_enabled() && gemm_supported() && plain_float(x) && plain_float(weight) &&
                   x.numel() <= kFewRows * in && x.numel() > 0 && weight.is_contiguous() &&
                   !at::autocast::is_autocast_enabled(at::kCPU);
  if (!own) return at::linear(x, weight, bias);
  const at::Tensor rows = x.contiguous();
  auto shape = x.sizes().vec();
  shape.back() = out;
  at::Tensor y = at::empty(shape, x.options());
  few_rows_linear(rows.const_data_ptr<float>(), rows.numel() / in, in, weight.const_data_ptr<float>(), out,
                  bias.defined() ? bias.const_data_ptr<float>() : nullptr, y.mutable_data_ptr<float>());
  return y;
}

at::Tensor batched_product(const at::Tensor& a, const at::Tensor& b) {
  const bool own = gemm_supported() && plain_float(a) && plain_float(b);
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

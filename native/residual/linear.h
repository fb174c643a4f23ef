// The decoder's learned matrices. They hold parameters under Hugging Face's names; the arithmetic is where they are
// used.
#pragma once

#include <torch/nn/module.h>

namespace torchwright::residual {

// x W^T + bias, of rows x [rows, in]. `bias` may be undefined.
at::Tensor plain_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// Takes `base + x W^T + bias`; in one pass where the types agree, and in base's type where they do not.
at::Tensor add_linear(const at::Tensor& base, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// weight [out, in], N(0, range); bias [out], zero.
class Linear : public torch::nn::Module {
 public:
  Linear(int64_t in, int64_t out, bool with_bias, double range, const at::TensorOptions& options);

  at::Tensor weight;
  at::Tensor bias;  // undefined without one
};

// weight [count, size], N(0, range).
class Embedding : public torch::nn::Module {
 public:
  Embedding(int64_t count, int64_t size, double range, const at::TensorOptions& options);

  at::Tensor weight;
};

}  // namespace torchwright::residual

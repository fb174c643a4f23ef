// Dense and group linear transforms.
#pragma once

#include "delight/style.h"

namespace torchwright::delight {

// Uniform in +-sqrt(6 / (fan_in + fan_out)) * gain.
at::Tensor xavier_uniform(at::IntArrayRef shape, int64_t fan_in, int64_t fan_out, const at::TensorOptions& options,
                          double gain = 1);

// y = finish(x W^T + b), W [out * gates, in].
class Linear : public torch::nn::Module {
 public:
  // `suffix` "s" gives the original's key `weights`, "" fairseq's `weight`.
  Linear(int64_t in, int64_t out, int64_t gates, const Style& style, const at::TensorOptions& options,
         const char* suffix = "s", double gain = 1);

  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weights, bias;  // no bias: undefined
  Finish finish;
};

// The plain kind: with a bias, nothing after it.
std::shared_ptr<Linear> plain_linear(int64_t in, int64_t out, const at::TensorOptions& options, int64_t gates = 1);

// `groups` independent transforms of slices of the features, their outputs shuffled on demand. Source: DeLighT,
// section 3.1.
class GroupLinear : public torch::nn::Module {
 public:
  GroupLinear(int64_t in, int64_t out, int64_t groups, bool shuffle, const Style& style,
              const at::TensorOptions& options);

  // [T, B, in] -> [T, B, out]; [B, in] -> [B, groups, out / groups], as the original does.
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weights, bias;  // [groups, in / groups, out / groups], [groups, 1, out / groups]
  int64_t groups;
  bool shuffle;
  Finish finish;
};

}  // namespace torchwright::delight

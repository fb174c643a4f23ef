// Attention with kept probabilities: projections and their use on the current or on a later stream.
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "residual/config.h"
#include "residual/linear.h"

namespace torchwright::residual {

// The projections as one pass uses them: in the compute type, with the norm's gain folded into those that follow it.
struct AttentionWeights {
  at::Tensor qk, qk_bias;  // [query size + kv size, hidden]
  at::Tensor v, v_bias;    // [kv size, hidden]
  at::Tensor o, o_bias;    // [hidden, query size]
};

class Attention : public torch::nn::Module {
 public:
  Attention(const Config& config, const at::TensorOptions& options);

  AttentionWeights fold(const at::Tensor& gain, at::ScalarType dtype) const;

 private:
  std::shared_ptr<Linear> q_proj_, k_proj_, v_proj_, o_proj_;
};

}  // namespace torchwright::residual

// The gated feed-forward part: down(silu(gate(x)) * up(x)).
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "residual/config.h"
#include "residual/linear.h"

namespace torchwright::residual {

// The projections as one pass uses them: in the compute type, with the norm's gain folded into those that follow it.
struct MlpWeights {
  at::Tensor gate_up, gate_up_bias;  // [2 * intermediate, hidden]
  at::Tensor down, down_bias;        // [hidden, intermediate]
};

class Mlp : public torch::nn::Module {
 public:
  Mlp(const Config& config, const at::TensorOptions& options);

  MlpWeights fold(const at::Tensor& gain, at::ScalarType dtype) const;

 private:
  std::shared_ptr<Linear> gate_proj_, up_proj_, down_proj_;
};

// silu(gate) * up of rows that hold gate and up side by side: [rows, 2 * size] to [rows, size].
at::Tensor swiglu(const at::Tensor& gate_up);

}  // namespace torchwright::residual

// How strongly each earlier layer, and the current one, enters the recomputed sum.
#pragma once

#include <torch/nn/module.h>

#include "residual/config.h"

namespace torchwright::residual {

// layer_weights: one for each earlier layer, then, if it is part of the norm, one for the current layer.
class Mixing : public torch::nn::Module {
 public:
  Mixing(int64_t size, bool free_weights, const at::TensorOptions& options);

  at::Tensor weights() const;

 private:
  at::Tensor layer_weights_;
  bool free_weights_;
};

// Weights of `earlier` >= 1 earlier layers and, last, of the current layer: [earlier + 1]; undefined when all are 1.
// `mixing` is needed for learned weights only.
at::Tensor mixing_weights(const Residual& residual, int64_t earlier, const Mixing* mixing,
                          const at::TensorOptions& options);

}  // namespace torchwright::residual

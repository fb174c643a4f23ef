#include "residual/mixing.h"

#include <ATen/ATen.h>

namespace torchwright::residual {

Mixing::Mixing(int64_t size, bool free_weights, const at::TensorOptions& options)
    : layer_weights_(register_parameter(
          "layer_weights", at::full({size}, free_weights ? 1.0 / static_cast<double>(size) : 1.0, options))),
      free_weights_(free_weights) {}

at::Tensor Mixing::weights() const { return free_weights_ ? layer_weights_ : layer_weights_.softmax(0); }

at::Tensor mixing_weights(const Residual& residual, int64_t earlier, const Mixing* mixing,
                          const at::TensorOptions& options) {
  if (residual.weights == Weights::kSum) return {};
  const int64_t shared = earlier + (residual.norm_with_current ? 1 : 0);
  const at::Tensor weights = residual.weights == Weights::kLearned
                                 ? mixing->weights()
                                 : at::full({shared}, 1.0 / static_cast<double>(shared), options);
  return residual.norm_with_current ? weights : at::cat({weights, at::ones({1}, options)});
}

}  // namespace torchwright::residual

// The DeLighT transformation: a dense layer, group linear transforms that widen and narrow, a dense layer.
#pragma once

#include "delight/linear.h"

namespace torchwright::delight {

// Plan: inFeatures, projFeatures, outFeatures, layers [{ inFeatures, outFeatures, groups }], shuffle, and a style's
// keys. Source: DeLighT, section 3.2.
class Unit : public torch::nn::Module {
 public:
  Unit(const Plan& plan, const at::TensorOptions& options);

  // [..., in] -> [..., out].
  at::Tensor forward(const at::Tensor& x) const;

  int64_t in() const { return input_->weights.size(1); }
  int64_t out() const { return output_->weights.size(0); }

 private:
  std::shared_ptr<Linear> input_, output_;
  std::vector<std::shared_ptr<GroupLinear>> grouped_;  // null where a layer has one group
  std::vector<std::shared_ptr<Linear>> dense_;         // null where it has more
};

}  // namespace torchwright::delight
